package gs1

import (
	"slices"
	"strings"
)

// WebVocabulary is the namespace of GS1's link types.
const WebVocabulary = "https://ref.gs1.org/voc/"

// LinkTypes are the link types of the GS1 Web Vocabulary that tell what a page
// is about. The types that only say which link is the usual one (defaultLink) or
// that another resolver knows more (handledBy) are the resolver's own.
var LinkTypes = []string{
	"activityIdeas", "allergenInfo", "appDownload", "brandHomepageClinical", "brandHomepagePatient", "careersInfo", "certificationInfo",
	"consumerHandlingStorageInfo", "disassemblyInfo", "dpp", "epcis", "epil", "eventsInfo", "faqs", "handlingEndOfLife", "hasRetailers", "homepage",
	"ingredientsInfo", "instructions", "jws", "leaveReview", "locationInfo", "logisticsInfo", "loyaltyProgram", "masterData", "menuInfo",
	"nutritionalInfo", "openingHoursInfo", "paymentLink", "pip", "productPassport", "promotion", "purchaseSuppliesOrAccessories", "quickStartGuide", "recallStatus",
	"recipeInfo", "recyclingInfo", "registerProduct", "registryEntry", "relatedImage", "relatedVideo", "repairInfo", "reuseInfo", "review", "safetyInfo", "scheduleTime",
	"serviceInfo", "smartLabel", "smpc", "socialMedia", "sorting", "statisticInfo", "subscribe", "support", "sustainabilityInfo", "traceability",
	"tutorial", "userAgreement", "verificationService", "whatsInTheBox",
}

// LinkType returns the URI of a link type: of "gs1:pip", "pip" with the
// namespace before it, or the URI of somebody else's type, which is returned as
// it is. It reports false where a GS1 term is not among LinkTypes, and for what is
// neither.
func LinkType(name string) (uri string, known bool) {
	term, short := strings.CutPrefix(name, "gs1:")
	if !short {
		if term, short = strings.CutPrefix(name, WebVocabulary); !short {
			term, short = strings.CutPrefix(name, "https://gs1.org/voc/") // where the vocabulary once was
		}
	}
	if short {
		return WebVocabulary + term, slices.Contains(LinkTypes, term)
	}
	rest, secure := strings.CutPrefix(name, "https://")
	return name, secure && rest != ""
}
