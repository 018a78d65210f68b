// Package senml reads Sensor Measurement Lists (RFC 8428) in JSON and in CBOR:
// a pack's records, their resolved form, and the measurements of one device
// among them. Which channels the device has, and in which unit each is stored,
// it leaves to others.
package senml

import (
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/iot"
)

// Rules of the format; iot.ErrPayload stands for the rest.
var (
	// ErrVersion is section 4.4: a reader leaves a newer pack alone. A version is a
	// sum of features (RFC 9100): 10 is the RFC's own, 26 adds secondary units.
	ErrVersion = chaincode.Rule{Code: "iot/senml-version", Kind: chaincode.Malformed,
		Text: "The pack is of a version that is not known here, or of two.", Remedy: "Send version 10, or leave bver out."}
	// ErrMustUnderstand is section 4.4: a label that ends in "_" is not passed over.
	ErrMustUnderstand = chaincode.Rule{Code: "iot/senml-label", Kind: chaincode.Malformed,
		Text: "The pack holds a field that a reader must understand, and it is not known here.", Remedy: "Leave the fields out whose names end in an underscore."}
	// ErrName is section 4.5.1: what a base name and a name make together.
	ErrName = chaincode.Rule{Code: "iot/senml-name", Kind: chaincode.Malformed,
		Text: "A record's name is empty or holds a character that names have not.", Remedy: "Use letters, digits and - : . / _ only, a letter or digit first."}
	// ErrOneValue is section 4.2: exactly one value, or a sum.
	ErrOneValue = chaincode.Rule{Code: "iot/senml-value", Kind: chaincode.Malformed,
		Text: "A record holds exactly one of v, vb, vs and vd, or a sum.", Remedy: "Send one record for every value."}
)

// JSON reads packs in JSON (section 5) of one device. A relative time counts
// from now.
func JSON(device iot.ID, now func() time.Time) iot.Decoder { return decoder(ReadJSON, device, now) }

// CBOR reads packs in CBOR (section 6) of one device.
func CBOR(device iot.ID, now func() time.Time) iot.Decoder { return decoder(ReadCBOR, device, now) }

func decoder(read func([]byte) (Pack, error), device iot.ID, now func() time.Time) iot.Decoder {
	return iot.DecoderFunc(func(payload []byte) ([]iot.Measurement, error) {
		p, err := read(payload)
		if err != nil {
			return nil, err
		}
		records, err := p.apply()
		if err != nil {
			return nil, err
		}
		return measurements(records, device, now())
	})
}
