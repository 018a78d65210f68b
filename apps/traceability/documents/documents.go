// Package documents knows the files that companies attach to their goods: what a
// file is by its content, and whether what it certifies is valid on a day. Who
// may read one, and where it is kept, the app decides.
package documents

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
)

// MaxBytes bounds a file.
const MaxBytes = 20 << 20

// The types of files that are taken.
const (
	PDF  = "application/pdf"
	PNG  = "image/png"
	JPEG = "image/jpeg"
)

var (
	// ErrEmpty says that there is no file.
	ErrEmpty = errors.New("the file is empty")
	// ErrLarge says that a file is larger than MaxBytes.
	ErrLarge = errors.New("the file is larger than 20 MB")
	// ErrType says that a file is none of those that are taken, whatever its name is.
	ErrType = errors.New("the content is no PDF, PNG or JPEG")
	// ErrCut says that a file is of a known type but does not read to its end.
	ErrCut = errors.New("the file is cut off or damaged")
)

// Sniff tells the type of a file by its content. The name and the type that a
// sender gives it count for nothing. Pictures are not decoded: only their heads
// and ends are looked at, so no file takes more memory than itself.
func Sniff(file []byte) (string, error) {
	switch {
	case len(file) == 0:
		return "", ErrEmpty
	case len(file) > MaxBytes:
		return "", ErrLarge
	case bytes.HasPrefix(file, []byte("%PDF-1.")), bytes.HasPrefix(file, []byte("%PDF-2.")): // ISO 32000-2, section 7.5.2
		return PDF, whole(bytes.Contains(file[max(0, len(file)-1024):], []byte("%%EOF"))) // section 7.5.5
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")):
		head, err := png.DecodeConfig(bytes.NewReader(file))
		return PNG, whole(err == nil && seen(head) && bytes.Contains(file, []byte("IEND")))
	case bytes.HasPrefix(file, []byte("\xff\xd8\xff")):
		head, err := jpeg.DecodeConfig(bytes.NewReader(file))
		return JPEG, whole(err == nil && seen(head) && bytes.Contains(file, []byte("\xff\xd9")))
	}
	return "", ErrType
}

func whole(is bool) error {
	if is {
		return nil
	}
	return ErrCut
}

func seen(head image.Config) bool { return head.Width > 0 && head.Height > 0 }

// Validity is whether a document counts on a day.
type Validity string

// The validities; a document without an end counts until it is withdrawn.
const (
	Valid   Validity = "valid"
	Early   Validity = "not-yet-valid"
	Expired Validity = "expired"
)

// On tells the validity on a day; all three are written as 2026-11-28. The last
// day counts.
func On(today, from, until string) Validity {
	switch {
	case until != "" && until < today:
		return Expired
	case from > today:
		return Early
	}
	return Valid
}
