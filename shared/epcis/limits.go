package epcis

// What a document may cost before it is refused. They hold for JSON and XML alike.
const (
	MaxBytes  = 32 << 20  // of a document
	MaxDepth  = 64        // of nested objects and arrays, or elements
	MaxEvents = 20_000    // in a document
	MaxNodes  = 1_000_000 // values, or elements and attributes
	MaxText   = 256 << 10 // bytes of one string

	maxPrefixes = 100 // namespaces and contexts of a document
)

func tooDeep(path string) Problem {
	return refusal(path, "epcis/too-deep", "the document is nested more than 64 levels deep", "Flatten the extension that nests so deep.")
}

func tooLong(path string) Problem {
	return refusal(path, "epcis/too-long", "a text is longer than 256 KiB", "Store the content elsewhere and refer to it by URI and hash.")
}

func tooBig(path string) Problem {
	return refusal(path, "epcis/too-big", "the document is larger than this repository takes", "Split it into several documents.")
}
