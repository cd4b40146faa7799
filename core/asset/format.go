package asset

import (
	"bytes"
	"encoding/binary"
)

// Format is what the bytes of an asset are, by their content.
type Format string

// The formats Sniff can tell apart.
const (
	Unknown Format = ""
	JPEG    Format = "jpeg"
	PNG     Format = "png"
	GIF     Format = "gif"
	WebP    Format = "webp"
	BMP     Format = "bmp"
	TIFF    Format = "tiff"
	SVG     Format = "svg"
	AVIF    Format = "avif"
	WebM    Format = "webm"
	MP4     Format = "mp4"
	M4A     Format = "m4a"
	Ogg     Format = "ogg"
	MP3     Format = "mp3"
	WAV     Format = "wav"
	FLAC    Format = "flac"
	PDF     Format = "pdf"
)

// SniffLen is how many leading bytes Sniff looks at. Only SVG needs more than a few: comments may stand before its root.
const SniffLen = 4096

// String returns the format's name, "unknown" for Unknown.
func (f Format) String() string {
	if f == Unknown {
		return "unknown"
	}
	return string(f)
}

// MediaType returns the media type to serve the format with.
func (f Format) MediaType() string {
	switch f {
	case JPEG, PNG, GIF, WebP, BMP, TIFF, AVIF:
		return "image/" + string(f)
	case SVG:
		return "image/svg+xml"
	case WebM, MP4:
		return "video/" + string(f)
	case M4A:
		return "audio/mp4"
	case MP3:
		return "audio/mpeg"
	case Ogg, WAV, FLAC:
		return "audio/" + string(f)
	case PDF:
		return "application/pdf"
	default:
		return "application/octet-stream"
	}
}

// Ext returns the file extension of the format, without a dot.
func (f Format) Ext() string {
	switch f {
	case Unknown:
		return "bin"
	case JPEG:
		return "jpg"
	case TIFF:
		return "tif"
	default:
		return string(f)
	}
}

// decodable reports whether Render can turn the format into pixels.
func (f Format) decodable() bool {
	switch f {
	case JPEG, PNG, GIF, WebP, BMP, TIFF, AVIF:
		return true
	default:
		return false
	}
}

// Sniff tells the format from the first bytes of a file; SniffLen of them are enough. The name of a file and the type a
// server declares are no evidence and not asked for.
func Sniff(head []byte) Format {
	if len(head) > SniffLen {
		head = head[:SniffLen]
	}
	for _, m := range [...]struct {
		magic  string
		format Format
	}{
		{"\xff\xd8\xff", JPEG},
		{"\x89PNG\r\n\x1a\n", PNG},
		{"GIF87a", GIF},
		{"GIF89a", GIF},
		{"II*\x00", TIFF},
		{"MM\x00*", TIFF},
		{"\x1a\x45\xdf\xa3", WebM},
		{"OggS", Ogg},
		{"ID3", MP3},
		{"fLaC", FLAC},
		{"%PDF-", PDF},
	} {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.format
		}
	}
	switch {
	case isRIFF(head, "WEBP"):
		return WebP
	case isRIFF(head, "WAVE"):
		return WAV
	case isBMP(head):
		return BMP
	case isMP3Frame(head):
		return MP3
	case isSVG(head):
		return SVG
	}
	return sniffBrand(head)
}

func isRIFF(head []byte, form string) bool {
	return len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == form
}

// isBMP asks for more than the two letters BM, with which a text may begin: the reserved words and a known header length.
func isBMP(head []byte) bool {
	if len(head) < 18 || string(head[:2]) != "BM" || binary.LittleEndian.Uint32(head[6:]) != 0 {
		return false
	}
	switch binary.LittleEndian.Uint32(head[14:]) {
	case 12, 40, 52, 56, 64, 108, 124:
		return true
	default:
		return false
	}
}

// isMP3Frame recognises the header of a bare MPEG audio frame of layer III. The strict reading keeps byte order marks and
// AAC, which begin alike, out.
func isMP3Frame(head []byte) bool {
	if len(head) < 4 || head[0] != 0xff || head[1]&0xe0 != 0xe0 {
		return false
	}
	version, layer := head[1]>>3&3, head[1]>>1&3
	bitrate, rate := head[2]>>4, head[2]>>2&3
	return version != 1 && layer == 1 && bitrate != 0 && bitrate != 15 && rate != 3
}

// sniffBrand reads the brand of an ISO media file. HEIC shares the container with AVIF and MP4 but nothing on the web shows
// it, so it stays unknown.
func sniffBrand(head []byte) Format {
	if len(head) < 12 || string(head[4:8]) != "ftyp" {
		return Unknown
	}
	switch brand := string(head[8:12]); brand {
	case "avif", "avis":
		return AVIF
	case "heic", "heix", "hevc", "hevx", "heim", "heis":
		return Unknown
	case "mif1", "msf1":
		size := min(int(binary.BigEndian.Uint32(head)), len(head))
		for i := 16; i+4 <= size; i += 4 {
			if b := string(head[i : i+4]); b == "avif" || b == "avis" {
				return AVIF
			}
		}
		return Unknown
	case "M4A ", "M4B ":
		return M4A
	default:
		return MP4
	}
}

// isSVG walks over whatever may stand before the root element of an XML document and looks whether the root is svg.
func isSVG(head []byte) bool {
	rest := bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	for {
		rest = bytes.TrimLeft(rest, " \t\r\n")
		switch {
		case bytes.HasPrefix(rest, []byte("<?")):
			rest = after(rest, "?>")
		case bytes.HasPrefix(rest, []byte("<!--")):
			rest = after(rest, "-->")
		case bytes.HasPrefix(rest, []byte("<!DOCTYPE")):
			return rootName(bytes.TrimLeft(rest[len("<!DOCTYPE"):], " \t\r\n")) == "svg"
		case bytes.HasPrefix(rest, []byte("<")):
			return rootName(rest[1:]) == "svg"
		default:
			return false
		}
	}
}

func after(b []byte, end string) []byte {
	_, rest, _ := bytes.Cut(b, []byte(end))
	return rest
}

// rootName returns the local name that b begins with.
func rootName(b []byte) string {
	if i := bytes.IndexAny(b, " \t\r\n/>["); i >= 0 {
		b = b[:i]
	}
	if i := bytes.IndexByte(b, ':'); i >= 0 {
		b = b[i+1:]
	}
	return string(b)
}
