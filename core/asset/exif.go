package asset

import (
	"bytes"
	"encoding/binary"
)

// exifOrientation finds the orientation in a block of EXIF data, which is the head of a TIFF file. Whatever it cannot make
// sense of counts as upright: a broken note about a picture is no reason to lose the picture.
func exifOrientation(b []byte) int {
	const (
		tagOrientation = 0x0112
		typeShort      = 3
		entryLen       = 12
	)
	b = bytes.TrimPrefix(b, []byte("Exif\x00\x00"))
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if b[0] == 'I' {
		order = binary.LittleEndian
	}
	offset := int64(order.Uint32(b[4:]))
	if offset+2 > int64(len(b)) {
		return 1
	}
	entries := b[offset+2:]
	for range order.Uint16(b[offset:]) {
		if len(entries) < entryLen {
			return 1
		}
		if order.Uint16(entries) == tagOrientation && order.Uint16(entries[2:]) == typeShort {
			if v := order.Uint16(entries[8:]); v >= 1 && v <= 8 {
				return int(v)
			}
			return 1
		}
		entries = entries[entryLen:]
	}
	return 1
}
