package asset

import (
	"strings"
	"testing"
)

func TestSniff(t *testing.T) {
	pad := strings.Repeat("\x00", 32)
	for _, test := range []struct {
		head   string
		format Format
		media  string
		ext    string
	}{
		{"\xff\xd8\xff\xe0", JPEG, "image/jpeg", "jpg"},
		{"\x89PNG\r\n\x1a\n", PNG, "image/png", "png"},
		{"GIF87a", GIF, "image/gif", "gif"},
		{"GIF89a", GIF, "image/gif", "gif"},
		{"RIFF\x04\x00\x00\x00WEBPVP8 ", WebP, "image/webp", "webp"},
		{"RIFF\x04\x00\x00\x00WAVEfmt ", WAV, "audio/wav", "wav"},
		{"BM\x00\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00", BMP, "image/bmp", "bmp"},
		{"II*\x00" + pad, TIFF, "image/tiff", "tif"},
		{"MM\x00*" + pad, TIFF, "image/tiff", "tif"},
		{"\x00\x00\x00\x1cftypavif", AVIF, "image/avif", "avif"},
		{"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00miafavif" + pad, AVIF, "image/avif", "avif"},
		{"\x00\x00\x00\x1cftypisom", MP4, "video/mp4", "mp4"},
		{"\x00\x00\x00\x1cftypM4A ", M4A, "audio/mp4", "m4a"},
		{"\x1a\x45\xdf\xa3", WebM, "video/webm", "webm"},
		{"OggS", Ogg, "audio/ogg", "ogg"},
		{"ID3\x04", MP3, "audio/mpeg", "mp3"},
		{"\xff\xfb\x90\x64", MP3, "audio/mpeg", "mp3"},
		{"fLaC", FLAC, "audio/flac", "flac"},
		{"%PDF-1.7", PDF, "application/pdf", "pdf"},
		{"<svg xmlns='x'>", SVG, "image/svg+xml", "svg"},
		{"\xef\xbb\xbf \n<?xml version='1.0'?><!-- <html> -->\n<svg:svg>", SVG, "image/svg+xml", "svg"},
		{"<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN'", SVG, "image/svg+xml", "svg"},
		{"<!DOCTYPE html><svg>", Unknown, "application/octet-stream", "bin"},
		{"<html><svg/></html>", Unknown, "application/octet-stream", "bin"},
		{"<!-- never closed <svg>", Unknown, "application/octet-stream", "bin"},
		{"<svgx>", Unknown, "application/octet-stream", "bin"},
		{"\x00\x00\x00\x1cftypheic", Unknown, "application/octet-stream", "bin"},
		{"\xff\xfe<\x00s\x00", Unknown, "application/octet-stream", "bin"}, // UTF-16 text begins like an MPEG frame.
		{"\xff\xf1\x50\x80", Unknown, "application/octet-stream", "bin"},   // AAC does, too.
		{"BM is how this text begins", Unknown, "application/octet-stream", "bin"},
		{"", Unknown, "application/octet-stream", "bin"},
	} {
		got := Sniff([]byte(test.head))
		if got != test.format || got.MediaType() != test.media || got.Ext() != test.ext {
			t.Errorf("Sniff(%.30q) = %v %s %s, want %v %s %s", test.head, got, got.MediaType(), got.Ext(), test.format, test.media, test.ext)
		}
	}
}
