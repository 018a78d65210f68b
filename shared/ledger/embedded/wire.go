package embedded

import "google.golang.org/protobuf/encoding/protowire"

// The messages of a transaction carry one another as bytes, seven deep. Written
// one by one, each copies all that is in it; here the inner ones are written
// into the outermost. What comes out is what protobuf would write.

// field is a field of a message: bytes, or a message of its own.
type field struct {
	number protowire.Number
	bytes  []byte
	inner  []field
}

func (f field) size() int {
	if f.inner != nil {
		return sizeOf(f.inner)
	}
	return len(f.bytes)
}

func sizeOf(fields []field) (n int) {
	for _, f := range fields {
		if size := f.size(); size > 0 {
			n += protowire.SizeTag(f.number) + protowire.SizeBytes(size)
		}
	}
	return n
}

// appendFields leaves out what is empty, as protobuf does with bytes.
func appendFields(b []byte, fields []field) []byte {
	for _, f := range fields {
		size := f.size()
		if size == 0 {
			continue
		}
		b = protowire.AppendTag(b, f.number, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(size))
		if f.inner != nil {
			b = appendFields(b, f.inner)
		} else {
			b = append(b, f.bytes...)
		}
	}
	return b
}

func encode(fields ...field) []byte {
	return appendFields(make([]byte, 0, sizeOf(fields)), fields)
}
