package fsma

// Category is a line of the Food Traceability List.
type Category struct {
	Code, Name string // Name is an English key
	kind       kind
}

// kind says how foods of a category come into being.
type kind int

const (
	unknown kind = iota
	grown        // a raw agricultural commodity: harvested, cooled, packed
	caught       // from a fishing vessel: landed
	made         // a process makes it
)

// List is the Food Traceability List (FDA, version of November 2022).
var List = []Category{
	{"cheese-fresh-soft", "Cheese, fresh soft or soft unripened", made},
	{"cheese-soft-ripened", "Cheese, soft ripened or semi-soft", made},
	{"cheese-unpasteurized", "Cheese from unpasteurized milk, other than hard", made},
	{"shell-eggs", "Shell eggs", grown},
	{"nut-butters", "Nut butters", made},
	{"cucumbers", "Cucumbers, fresh", grown},
	{"herbs", "Herbs, fresh", grown},
	{"leafy-greens", "Leafy greens, fresh", grown},
	{"leafy-greens-cut", "Leafy greens, fresh-cut", made},
	{"melons", "Melons, fresh", grown},
	{"peppers", "Peppers, fresh", grown},
	{"sprouts", "Sprouts, fresh", grown},
	{"tomatoes", "Tomatoes, fresh", grown},
	{"tropical-tree-fruits", "Tropical tree fruits, fresh", grown},
	{"fruits-cut", "Fruits, fresh-cut", made},
	{"vegetables-cut", "Vegetables other than leafy greens, fresh-cut", made},
	{"finfish-histamine", "Finfish, histamine-producing species", caught},
	{"finfish-ciguatoxin", "Finfish, species that may hold ciguatoxin", caught},
	{"finfish", "Finfish, other species", caught},
	{"finfish-smoked", "Smoked finfish", made},
	{"crustaceans", "Crustaceans", caught},
	{"bivalves", "Molluscan shellfish, bivalves", caught},
	{"deli-salads", "Ready-to-eat deli salads", made},
}

// CategoryName is the list's words for a code, or the code.
func CategoryName(code string) string {
	for _, c := range List {
		if c.Code == code {
			return c.Name
		}
	}
	return code
}

func kindOf(code string) kind {
	for _, c := range List {
		if c.Code == code {
			return c.kind
		}
	}
	return unknown
}
