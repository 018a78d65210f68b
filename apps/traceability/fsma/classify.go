package fsma

// Classify says which critical tracking event a step is for a food: by what the
// food is, and whether the lot is raw, that is harvested or cooled and not yet
// packed. A process takes raw as said of its inputs. "" is none.
func Classify(step Step, category string, raw bool) CTE {
	k := kindOf(category)
	switch step {
	case Land:
		if k == unknown || k == caught {
			return FirstReceiving
		}
		return Classify(Make, category, raw)
	case Make:
		switch k {
		case made:
			return Transformation // of what nobody recorded
		case caught:
			return FirstReceiving
		}
		return Harvesting
	case Cool:
		if k == made {
			return ""
		}
		return Cooling
	case Process:
		if raw {
			return InitialPacking
		}
		return Transformation
	case Ship, Receive, Move:
		switch {
		case raw:
			return Before
		case step == Ship:
			return Shipping
		case step == Receive:
			return Receiving
		}
	}
	return ""
}
