package trace

import (
	"slices"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
)

// Contract is what this package offers to a ledger.
var Contract = chaincode.Contract{
	Name: "trace",
	Functions: []chaincode.Function{
		chaincode.Command(capture, party.Operator, party.Regulator, party.Device),
		chaincode.Command(decline, party.Operator),
		chaincode.Command(callBack, party.Operator),
		chaincode.Command(settle, party.Operator, party.Regulator),
		chaincode.Command(escalate, party.Operator),
		chaincode.Command(recall, party.Operator, party.Admin, party.Regulator),
		chaincode.Command(extend),
		chaincode.Command(release, party.Operator, party.Admin, party.Regulator),
		chaincode.Command(acknowledge, party.Operator, party.Admin),
		chaincode.Command(widen, party.Operator, party.Admin, party.Regulator),
		chaincode.Command(narrow, party.Operator, party.Admin, party.Regulator),
		chaincode.Command(upgrade, party.Operator, party.Admin, party.Regulator),
		chaincode.Command(notify, party.Operator, party.Admin, party.Regulator),
		chaincode.Command(checkConsignee, party.Operator, party.Admin, party.Regulator),
		chaincode.Command(reconcile, party.Operator, party.Admin),
		chaincode.Command(describeProduct, party.Operator, party.Admin),
		chaincode.Command(describePlace, party.Operator, party.Admin),
		chaincode.Command(warn, party.Operator, party.Admin),
		chaincode.Command(unwarn, party.Operator, party.Admin),
		chaincode.Command(link, party.Operator, party.Admin),
		chaincode.Command(unlink, party.Operator, party.Admin),
		chaincode.Command(demand, party.Operator, party.Admin),
		chaincode.Command(registerPhoto, party.Operator, party.Admin, party.Viewer, party.Regulator, party.TaxOfficer, party.Banker, party.Public),
		chaincode.Command(attach, party.Operator, party.Admin),
		chaincode.Command(withdraw, party.Operator, party.Admin),
		chaincode.Command(registerDevice, party.Operator, party.Admin),
		chaincode.Command(calibrate, party.Operator, party.Admin),
		chaincode.Command(decommission, party.Operator, party.Admin),
		chaincode.Command(seal, party.Device, party.Operator),
		chaincode.Command(explainExcursion, party.Operator, party.Admin),
		chaincode.Query(getDevice),
		chaincode.Query(getSeal),
		chaincode.Query(getDocument),
		chaincode.Query(getDocuments),
		chaincode.Query(getPhoto),
		chaincode.Query(getEvent),
		chaincode.Query(lotStatus),
		chaincode.Query(getShipment),
		chaincode.Query(getCase),
		chaincode.Query(associationsOf),
	},
	Rules: []chaincode.Rule{
		ErrEvent,
		ErrSharing,
		ErrFuture,
		ErrAmount,
		ErrUnit,
		ErrNoLot,
		ErrNoEvent,
		ErrNotReader,
		ErrNotAuthor,
		ErrTooLate,
		ErrNotYourPrefix,
		ErrNotMaker,
		ErrNotHolder,
		ErrNotEnough,
		ErrMoreOut,
		ErrTolerance,
		ErrNotAddressed,
		ErrNoShipment,
		ErrShipmentDone,
		ErrNotYourShipment,
		ErrReason,
		ErrNoMismatch,
		ErrSettlement,
		ErrNotDisputed,
		ErrAlreadyPacked,
		ErrNotInPack,
		ErrPackLoop,
		ErrPackSize,
		ErrAttachedToItself,
		ErrRecalled,
		ErrHeld,
		ErrCase,
		ErrCaseExists,
		ErrNoCase,
		ErrCaseClosed,
		ErrNotYoursToBlock,
		ErrNotYoursToRelease,
		ErrNotConcerned,
		ErrTerms,
		ErrCaseMarking,
		ErrNotHold,
		ErrNotNamed,
		ErrNotice,
		ErrNotNotified,
		ErrCheck,
		ErrBooking,
		ErrBookedTooMuch,
		ErrNotReconciled,
		ErrProduct,
		ErrPlace,
		ErrNotYourPlace,
		ErrCoordinates,
		ErrWarning,
		ErrNotYoursToWarn,
		ErrNoWarning,
		ErrLink,
		ErrLinkType,
		ErrNotYourKey,
		ErrNoLink,
		ErrProfile,
		ErrDemand,
		ErrPhoto,
		ErrPhotoKnown,
		ErrPhotoQuota,
		ErrNoPhoto,
		ErrDocument,
		ErrDocumentDates,
		ErrNotYourThing,
		ErrDocumentKnown,
		ErrNoDocument,
		ErrManyDocuments,
		ErrNotYourDocument,
		ErrDevice,
		ErrLimits,
		ErrDeviceThing,
		ErrNoDevice,
		ErrDeviceEnded,
		ErrCalibration,
		ErrDecommission,
		ErrNotYourDevice,
		ErrDeviceAttached,
		ErrSeal,
		ErrSealed,
		ErrSealOrder,
		ErrNoSeal,
		ErrExplanation,
		ErrNotYourAlarm,
		ErrNoAlarm,
	},
	Events: []any{
		Captured{},
		EventRetracted{},
		LotLogged{},
		HoldingChanged{},
		Derived{},
		Packed{},
		Unpacked{},
		PackPlaced{},
		Associated{},
		Dissociated{},
		ShipmentOffered{},
		ShipmentAccepted{},
		ShipmentDeclined{},
		ShipmentCancelled{},
		ShipmentReopened{},
		MismatchOpened{},
		MismatchAnswered{},
		MismatchEscalated{},
		CaseOpened{},
		LotBlocked{},
		CaseExtended{},
		CaseAcknowledged{},
		CaseClosed{},
		CaseWidened{},
		CaseNarrowed{},
		CaseUpgraded{},
		CaseNotified{},
		CaseChecked{},
		CaseReconciled{},
		LotReturned{},
		ProductDescribed{},
		PlaceDescribed{},
		Warned{},
		WarningLifted{},
		LinkPublished{},
		LinkWithdrawn{},
		Demanded{},
		PhotoRegistered{},
		DocumentAttached{},
		DocumentWithdrawn{},
		DeviceRegistered{},
		DeviceCalibrated{},
		DeviceDecommissioned{},
		Sealed{},
		ExcursionExplained{},
	},
}

// GetShipment asks for a shipment with its mismatch, if any.
type GetShipment struct {
	Shipment string `json:"shipment"`
}

// ShipmentStatus is the reply to GetShipment.
type ShipmentStatus struct {
	Shipment Shipment  `json:"shipment"`
	Mismatch *Mismatch `json:"mismatch,omitempty"`
}

// GetCase asks for a case with its acknowledgements.
type GetCase struct {
	Case string `json:"case"`
}

// CaseStatus is the reply to GetCase.
type CaseStatus struct {
	Case             Case              `json:"case"`
	Acknowledgements []Acknowledgement `json:"acknowledgements"`
	Notices          []Notice          `json:"notices,omitempty"`
	Bookings         []Reconciled      `json:"bookings,omitempty"`
}

// Reconciled is how far one company's reconciliation has come.
type Reconciled struct {
	Party string `json:"party"`
	Booking
}

// Acknowledgement is what one company put apart.
type Acknowledgement struct {
	Party string `json:"party"`
	Found []Line `json:"found,omitempty"`
}

func lotStatus(tx *chaincode.Tx, q LotStatus) (Status, error) {
	l, ok := lots.Get(tx, q.Lot)
	if !ok {
		return Status{}, ErrNoLot.Refuse("%s", q.Lot).On("lot")
	}
	s := Status{Lot: l, Holdings: []Share{}, Unaccounted: l.Made, Blocks: []Case{}}
	accounts.Scan(tx, func(key []string, a Account) bool {
		s.Holdings = append(s.Holdings, Share{key[1], a})
		s.Unaccounted = s.Unaccounted.Sub(a.Total())
		return true
	}, l.ID)
	blocks.Scan(tx, func(key []string, id string) bool {
		if c, _ := cases.Get(tx, id); c.State == CaseOpen && c.counts(key) && !slices.ContainsFunc(s.Blocks, func(b Case) bool { return b.ID == id }) {
			s.Blocks = append(s.Blocks, c)
		}
		return true
	}, l.ID)
	return s, nil
}

func getShipment(tx *chaincode.Tx, q GetShipment) (ShipmentStatus, error) {
	s, ok := shipments.Get(tx, q.Shipment)
	if !ok {
		return ShipmentStatus{}, ErrNoShipment.Refuse("%s", q.Shipment).On("shipment")
	}
	if m, ok := mismatches.Get(tx, s.ID); ok {
		return ShipmentStatus{s, &m}, nil
	}
	return ShipmentStatus{Shipment: s}, nil
}

func getCase(tx *chaincode.Tx, q GetCase) (CaseStatus, error) {
	c, ok := cases.Get(tx, q.Case)
	if !ok {
		return CaseStatus{}, ErrNoCase.Refuse("%s", q.Case).On("case")
	}
	s := CaseStatus{Case: c, Acknowledgements: []Acknowledgement{}}
	acks.Scan(tx, func(key []string, a Acknowledge) bool {
		s.Acknowledgements = append(s.Acknowledgements, Acknowledgement{key[1], a.Found})
		return true
	}, c.ID)
	notices.Scan(tx, func(_ []string, n Notice) bool {
		s.Notices = append(s.Notices, n)
		return true
	}, c.ID)
	bookings.Scan(tx, func(key []string, b Booking) bool {
		s.Bookings = append(s.Bookings, Reconciled{key[1], b})
		return true
	}, c.ID)
	return s, nil
}
