//go:build (linux || darwin) && (amd64 || arm64) && !nonative

package asset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"runtime"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// native is the machine's own libwebp, loaded while the program runs: four to five times as fast as wasm, without cgo. It is
// only used when it proved itself: its version and its interface are looked at, and a small picture must come out as known.
type native struct{ *libwebp }

// libwebp is the loaded library. It is never unloaded.
type libwebp struct {
	version string

	configInit    func(config *webpConfig, preset int32, quality float32, abi int32) int32
	pictureInit   func(picture *webpPicture, abi int32) int32
	pictureImport func(picture *webpPicture, pixels *byte, stride int32) int32
	pictureFree   func(picture *webpPicture)
	encode        func(config *webpConfig, picture *webpPicture) int32
	writerInit    func(w *webpWriter)
	writerClear   func(w *webpWriter)
	write         uintptr // the library's own writer to memory, so that nothing calls back into Go
}

// The library's interface, since 1.2.0. What stands between the fields that are set is only there to be of the right size.
const (
	nativeABI     = 0x020f
	nativeOldest  = 0x010200
	nativeYUV420  = 0
	nativeYUV420A = 4
)

// threadPixels is from where on two threads look at a picture before it is encoded. The bytes are the same; a small one is not worth
// the start of a thread.
const threadPixels = 4e6

type webpConfig struct {
	_              [2]int32
	method         int32
	_              [16]int32
	partitionLimit int32
	_              int32
	threads        int32
	_              [11]int32 // four of them are for libraries to come
}

type webpPicture struct {
	useARGB           int32
	colourSpace       int32
	width, height     int32
	y, u, v           *byte
	yStride, uvStride int32
	_                 [6]uintptr // transparency and pixels, which the library sets
	writer            uintptr
	custom            *webpWriter
	_                 int32
	_, _              uintptr
	code              int32
	_, _              uintptr
	_                 [3]uint32
	_, _              uintptr
	_                 [8]uint32
	_                 [4]uintptr
	_                 [8]uintptr // for libraries to come
}

type webpWriter struct {
	data *byte
	size uintptr
	_    [3]uintptr
}

// loadNative looks for the library once.
var loadNative = sync.OnceValues(func() (*libwebp, error) {
	var problem error
	for _, name := range nativeNames() {
		handle, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err != nil {
			problem = errors.Join(problem, err)
			continue
		}
		l := &libwebp{}
		if err = l.bind(handle); err == nil {
			err = l.prove()
		}
		if err == nil {
			return l, nil
		}
		problem = errors.Join(problem, fmt.Errorf("%s: %w", name, err))
	}
	return nil, problem
})

// nativeNames are the names under which the library is installed for programs to use, not for those who build them.
func nativeNames() []string {
	if runtime.GOOS == "darwin" {
		return []string{"libwebp.7.dylib", "/opt/homebrew/lib/libwebp.7.dylib", "/usr/local/lib/libwebp.7.dylib"}
	}
	return []string{"libwebp.so.7"}
}

func (l *libwebp) bind(handle uintptr) error {
	var versionOf func() int32
	for _, f := range []struct {
		name string
		to   any
	}{
		{"WebPGetEncoderVersion", &versionOf},
		{"WebPConfigInitInternal", &l.configInit},
		{"WebPPictureInitInternal", &l.pictureInit},
		{"WebPPictureImportRGBA", &l.pictureImport},
		{"WebPPictureFree", &l.pictureFree},
		{"WebPEncode", &l.encode},
		{"WebPMemoryWriterInit", &l.writerInit},
		{"WebPMemoryWriterClear", &l.writerClear},
	} {
		at, err := purego.Dlsym(handle, f.name)
		if err != nil {
			return err
		}
		purego.RegisterFunc(f.to, at)
	}
	var err error
	if l.write, err = purego.Dlsym(handle, "WebPMemoryWrite"); err != nil {
		return err
	}
	v := versionOf()
	l.version = fmt.Sprintf("%d.%d.%d", v>>16&0xff, v>>8&0xff, v&0xff)
	if v < nativeOldest {
		return fmt.Errorf("version %s is older than 1.2.0", l.version)
	}
	return nil
}

// proof is the sum of what every libwebp since 1.2.0 makes of the test picture.
const proof = "cf28ed3273e9e141"

// prove encodes a small picture, so that a library with another idea of its interface is found out before it is trusted.
func (l *libwebp) prove() error {
	out, err := native{l}.Encode(context.Background(), testPicture(), 80, 4)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(out); hex.EncodeToString(sum[:8]) != proof {
		return fmt.Errorf("version %s codes the test picture in another way (%x)", l.version, sum[:8])
	}
	return nil
}

// Name names the codec.
func (n native) Name() string { return "libwebp " + n.version + " (native)" }

// Encode encodes m. Once begun it cannot be interrupted.
func (n native) Encode(ctx context.Context, m image.Image, quality, method int) ([]byte, error) {
	if err := fitsEncoder(ctx, m, nativeAlphaPixels); err != nil {
		return nil, err
	}
	var pins runtime.Pinner
	defer pins.Unpin()
	config, picture, w := new(webpConfig), new(webpPicture), new(webpWriter)
	pins.Pin(config)
	pins.Pin(picture)
	pins.Pin(w)
	if n.configInit(config, 0, float32(quality), nativeABI) == 0 || n.pictureInit(picture, nativeABI) == 0 {
		return nil, errors.New("the library has another interface")
	}
	size := m.Bounds().Size()
	config.method = int32(method)
	if method > methodOriginal && size.X*size.Y > cliffPixels {
		config.partitionLimit = cliffLimit
	}
	if size.X*size.Y > threadPixels {
		config.threads = 1
	}
	picture.width, picture.height = int32(size.X), int32(size.Y)
	n.writerInit(w)
	defer n.writerClear(w)
	picture.writer, picture.custom = n.write, w
	defer n.pictureFree(picture)
	switch m := m.(type) {
	case *image.YCbCr:
		if m.SubsampleRatio != image.YCbCrSubsampleRatio420 {
			return nil, fmt.Errorf("planes of %v", m.SubsampleRatio)
		}
		picture.colourSpace = nativeYUV420
		picture.y, picture.u, picture.v = &m.Y[0], &m.Cb[0], &m.Cr[0]
		picture.yStride, picture.uvStride = int32(m.YStride), int32(m.CStride)
		pins.Pin(picture.y)
		pins.Pin(picture.u)
		pins.Pin(picture.v)
	case *image.NRGBA:
		picture.useARGB = 1
		if n.pictureImport(picture, &m.Pix[0], int32(m.Stride)) == 0 {
			return nil, errNoMemory
		}
	default:
		return nil, fmt.Errorf("pixels of type %T", m)
	}
	if n.encode(config, picture) == 0 {
		if picture.code == 1 || picture.code == 2 {
			return nil, errNoMemory
		}
		return nil, fmt.Errorf("libwebp's error %d", picture.code)
	}
	out := make([]byte, w.size)
	copy(out, unsafe.Slice(w.data, w.size))
	runtime.KeepAlive(m)
	return out, nil
}

func findNative() (Encoder, error) {
	l, err := loadNative()
	if err != nil {
		return nil, err
	}
	return native{l}, nil
}
