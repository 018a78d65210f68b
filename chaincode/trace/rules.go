package trace

import "github.com/tallyway/tallyway/chaincode"

// Rules of events.
var (
	// ErrEvent keeps the ledger's language one that others can read.
	ErrEvent = chaincode.Rule{Code: "trace/event", Kind: chaincode.Malformed,
		Text: "This is not a valid EPCIS 2.0 event.", Remedy: "Mend what the message names and send the event again."}
	// ErrSharing keeps the audience of an event explicit.
	ErrSharing = chaincode.Rule{Code: "trace/sharing", Kind: chaincode.Malformed,
		Text: "An event is shared as public, linked, restricted or private; restricted names its readers, the others name none.", Remedy: "Choose one of the four, and name companies of this network for restricted."}
	// ErrFuture keeps clocks from running ahead.
	ErrFuture = chaincode.Rule{Code: "trace/future", Kind: chaincode.Malformed,
		Text: "The event lies more than an hour in the future.", Remedy: "Check the clock and the time zone of the device that recorded it."}
	// ErrAmount keeps quantities something that can be moved.
	ErrAmount = chaincode.Rule{Code: "trace/amount", Kind: chaincode.Malformed,
		Text: "A quantity is more than zero.", Remedy: "Enter how much was moved."}
	// ErrUnit keeps kilograms from being taken for pieces.
	ErrUnit = chaincode.Rule{Code: "trace/unit", Kind: chaincode.Malformed,
		Text: "The unit cannot be converted to the unit of the lot.", Remedy: "Use a unit of the same kind as the lot was logged in."}
	// ErrNoLot names a lot that nobody logged or received.
	ErrNoLot = chaincode.Rule{Code: "trace/no-lot", Kind: chaincode.NotFound,
		Text: "Nobody has logged this lot.", Remedy: "Check the number, or log the lot first."}
	// ErrNoEvent names an event that is not on the ledger.
	ErrNoEvent = chaincode.Rule{Code: "trace/no-event", Kind: chaincode.NotFound,
		Text: "There is no such event.", Remedy: "Check the hash; an error declaration repeats the event it is about."}
	// ErrNotReader keeps a private event with those it names.
	ErrNotReader = chaincode.Rule{Code: "trace/not-reader", Kind: chaincode.Forbidden,
		Text: "This event is not shared with you.", Remedy: "Ask its author to share it."}
	// ErrNotAuthor keeps corrections with whoever made the mistake.
	ErrNotAuthor = chaincode.Rule{Code: "trace/not-author", Kind: chaincode.Forbidden,
		Text: "Only its author declares an event an error.", Remedy: "Ask the author to correct it."}
	// ErrTooLate keeps later events true.
	ErrTooLate = chaincode.Rule{Code: "trace/too-late-to-undo", Kind: chaincode.Conflict,
		Text: "Later events build on this one, so it cannot be taken back.", Remedy: "Capture a further event that tells what is true now."}
)

// Rules of custody and quantity.
var (
	// ErrNotYourPrefix keeps products with whose they are.
	ErrNotYourPrefix = chaincode.Rule{Code: "trace/not-your-prefix", Kind: chaincode.Forbidden,
		Text: "The GTIN belongs to another company.", Remedy: "Use a GTIN under your own GS1 company prefix."}
	// ErrNotMaker keeps a lot from being logged twice by different makers.
	ErrNotMaker = chaincode.Rule{Code: "trace/not-maker", Kind: chaincode.Conflict,
		Text: "Another company logged this lot.", Remedy: "Receive the lot from its holder, or choose another lot number."}
	// ErrNotHolder lets only the holder act on goods.
	ErrNotHolder = chaincode.Rule{Code: "trace/not-holder", Kind: chaincode.Forbidden,
		Text: "Only the holder of goods ships, packs, transforms or disposes of them.", Remedy: "Receive the goods first, or ask their holder."}
	// ErrNotEnough keeps goods from multiplying on the way.
	ErrNotEnough = chaincode.Rule{Code: "trace/not-enough", Kind: chaincode.Conflict,
		Text: "There is not enough of the lot.", Remedy: "Check the quantity and the unit, and whether some is packed or shipped already."}
	// ErrMoreOut keeps goods from multiplying in the making.
	ErrMoreOut = chaincode.Rule{Code: "trace/more-out-than-in", Kind: chaincode.Conflict,
		Text: "A transformation yields no more than went in.", Remedy: "Add the inputs that are missing, or correct the quantities."}
	// ErrTolerance bounds what a scale may be wrong by.
	ErrTolerance = chaincode.Rule{Code: "trace/tolerance", Kind: chaincode.Malformed,
		Text: "The yield tolerance lies between 0 and 0.02.", Remedy: "Declare further inputs, such as added water, rather than a higher tolerance."}
	// ErrNotAddressed lets only the addressee receive goods.
	ErrNotAddressed = chaincode.Rule{Code: "trace/not-addressed", Kind: chaincode.Forbidden,
		Text: "No shipment with these goods is on its way to you.", Remedy: "Ask the sender to ship the goods to your company's GLN."}
	// ErrNoShipment names a shipment that does not exist.
	ErrNoShipment = chaincode.Rule{Code: "trace/no-shipment", Kind: chaincode.NotFound,
		Text: "There is no such shipment.", Remedy: "Check the number of the shipment."}
	// ErrShipmentDone keeps a shipment from being answered twice.
	ErrShipmentDone = chaincode.Rule{Code: "trace/shipment-done", Kind: chaincode.Conflict,
		Text: "The shipment has been answered or called back.", Remedy: "Look at its history; nothing may need to be done."}
	// ErrNotYourShipment keeps answers with the two sides.
	ErrNotYourShipment = chaincode.Rule{Code: "trace/not-your-shipment", Kind: chaincode.Forbidden,
		Text: "Only the receiver declines a shipment, only the sender calls it back, and only these two settle what differs, with a regulator whom they asked in.", Remedy: "Ask the other company."}
	// ErrReason keeps reasons countable.
	ErrReason = chaincode.Rule{Code: "trace/reason", Kind: chaincode.Malformed,
		Text: "The reason is not one of the list.", Remedy: "For a shipment use damaged, wrong-goods, temperature, not-ordered or other; for missing goods lost, returned, found, miscounted or damaged; for a surplus kept or sent-back."}
	// ErrNoMismatch names a mismatch that is not open.
	ErrNoMismatch = chaincode.Rule{Code: "trace/no-mismatch", Kind: chaincode.NotFound,
		Text: "There is no open mismatch of this shipment.", Remedy: "Look at the shipment's history; it may be settled."}
	// ErrSettlement keeps what is settled to what is open.
	ErrSettlement = chaincode.Rule{Code: "trace/settlement", Kind: chaincode.Conflict,
		Text: "A settlement names a lot or a pack of which something is still open, and no more than that.", Remedy: "Look at what is open; missing goods and surplus goods have outcomes of their own."}
	// ErrNotDisputed keeps regulators out of what two companies are settling.
	ErrNotDisputed = chaincode.Rule{Code: "trace/not-disputed", Kind: chaincode.Conflict,
		Text: "A mismatch goes to the regulator once, when both sides have said different things, or when its time to settle is over.", Remedy: "Say what became of the goods, and wait for the other side's answer."}
	// ErrAlreadyPacked keeps a thing in one pack at a time.
	ErrAlreadyPacked = chaincode.Rule{Code: "trace/already-packed", Kind: chaincode.Conflict,
		Text: "It is in a pack already.", Remedy: "Unpack it first."}
	// ErrNotInPack keeps packs from giving what they do not hold.
	ErrNotInPack = chaincode.Rule{Code: "trace/not-in-pack", Kind: chaincode.Conflict,
		Text: "The pack does not hold this much of it.", Remedy: "Check the contents of the pack."}
	// ErrPackLoop keeps a pack out of itself.
	ErrPackLoop = chaincode.Rule{Code: "trace/pack-loop", Kind: chaincode.Malformed,
		Text: "A pack cannot be inside itself.", Remedy: "Check which number is the outer pack."}
	// ErrPackSize bounds what one event moves.
	ErrPackSize = chaincode.Rule{Code: "trace/pack-size", Kind: chaincode.Malformed,
		Text: "Packs nest at most 16 deep and one shipment holds at most 5,000 things.", Remedy: "Split the shipment."}
	// ErrAttachedToItself keeps an association between two things.
	ErrAttachedToItself = chaincode.Rule{Code: "trace/attached-to-itself", Kind: chaincode.Malformed,
		Text: "A thing is not attached to itself.", Remedy: "Check which of the two ids is the parent."}
)

// Rules of recalls and holds.
var (
	// ErrRecalled keeps recalled food where it can be found.
	ErrRecalled = chaincode.Rule{Code: "trace/recalled", Kind: chaincode.Conflict,
		Text: "A recalled lot does not move.", Remedy: "Keep it apart, then destroy it, or ship it back to who made or delivered it with the disposition returned or recalled."}
	// ErrHeld keeps a lot in place while somebody looks into it.
	ErrHeld = chaincode.Rule{Code: "trace/held", Kind: chaincode.Conflict,
		Text: "A lot on hold does not move.", Remedy: "Wait for the release, or ask who placed the hold."}
	// ErrCase asks for what a recall needs to be understood.
	ErrCase = chaincode.Rule{Code: "trace/case", Kind: chaincode.Malformed,
		Text: "A case is a recall, a hold or a mock recall of 1 to 200 lots, with a reason.", Remedy: "Name the kind, the lots and the reason."}
	// ErrCaseExists keeps a case number with one case.
	ErrCaseExists = chaincode.Rule{Code: "trace/case-exists", Kind: chaincode.Conflict,
		Text: "There is a case with this number already.", Remedy: "Choose another number."}
	// ErrNoCase names a case that does not exist.
	ErrNoCase = chaincode.Rule{Code: "trace/no-case", Kind: chaincode.NotFound,
		Text: "There is no such case.", Remedy: "Check the number of the case."}
	// ErrCaseClosed keeps a closed case closed.
	ErrCaseClosed = chaincode.Rule{Code: "trace/case-closed", Kind: chaincode.Conflict,
		Text: "The case is closed.", Remedy: "Open a new one."}
	// ErrNotYoursToBlock keeps competitors from blocking each other.
	ErrNotYoursToBlock = chaincode.Rule{Code: "trace/not-yours-to-block", Kind: chaincode.Forbidden,
		Text: "Only a regulator or the maker of a lot recalls it or puts it on hold.", Remedy: "Tell the maker or the regulator what you know."}
	// ErrNotYoursToRelease keeps a block until whoever is responsible lifts it.
	ErrNotYoursToRelease = chaincode.Rule{Code: "trace/not-yours-to-release", Kind: chaincode.Forbidden,
		Text: "Only who opened a case or a regulator changes or releases it; what a regulator opened, a regulator releases.", Remedy: "Ask who opened the case."}
	// ErrNotConcerned keeps acknowledgements with those who have or had the lot.
	ErrNotConcerned = chaincode.Rule{Code: "trace/not-concerned", Kind: chaincode.Conflict,
		Text: "The lot is not part of the case, or never was yours.", Remedy: "Check the lot against the notice."}
	// ErrTerms bounds what a notice says.
	ErrTerms = chaincode.Rule{Code: "trace/case-terms", Kind: chaincode.Malformed,
		Text:   "The class of a case is I, II or III, its depth wholesale, retail or consumer, its level A to E (B with a share of 11 to 99 percent), its time to answer at most 720 hours, and each of its texts at most 2,000 bytes.",
		Remedy: "Choose one of the list, or shorten the text."}
	// ErrCaseMarking keeps one marking of a case from overtaking another.
	ErrCaseMarking = chaincode.Rule{Code: "trace/case-marking", Kind: chaincode.Conflict,
		Text: "The lots of the case are still being marked.", Remedy: "Wait until the marking is done; everything that it will reach is blocked already."}
	// ErrNotHold keeps exercises from turning serious by mistake.
	ErrNotHold = chaincode.Rule{Code: "trace/not-a-hold", Kind: chaincode.Conflict,
		Text: "Only a hold is turned into a recall.", Remedy: "Open a recall of its own."}
	// ErrNotNamed keeps a case's scope clear.
	ErrNotNamed = chaincode.Rule{Code: "trace/not-named", Kind: chaincode.Conflict,
		Text: "A case is narrowed by some, not all, of the lots that it names, and widened by lots that it does not name yet.", Remedy: "Look at the lots of the case."}
	// ErrNotice keeps notices countable.
	ErrNotice = chaincode.Rule{Code: "trace/notice", Kind: chaincode.Malformed,
		Text: "A notice goes to 1 to 200 companies of the network, with the number of lots that concern each.", Remedy: "Send several notices, or check the companies."}
	// ErrNotNotified keeps checks with those who were told.
	ErrNotNotified = chaincode.Rule{Code: "trace/not-notified", Kind: chaincode.Conflict,
		Text: "The company was not notified of the case.", Remedy: "Notify it first."}
	// ErrCheck keeps the results of checks countable.
	ErrCheck = chaincode.Rule{Code: "trace/check", Kind: chaincode.Malformed,
		Text: "A check is a visit, a call, a mail or a letter, and found that the company acted, did not act or did not receive the notice; one that did not reach the company has no answer.", Remedy: "Choose from the lists."}
	// ErrBooking keeps reconciliations readable.
	ErrBooking = chaincode.Rule{Code: "trace/booking", Kind: chaincode.Malformed,
		Text: "A reconciliation has 1 to 200 lots with quantities that are not below zero.", Remedy: "Enter 0 where there is nothing."}
	// ErrBookedTooMuch keeps companies from accounting for goods they never had.
	ErrBookedTooMuch = chaincode.Rule{Code: "trace/booked-too-much", Kind: chaincode.Conflict,
		Text: "A company accounts for no more than it had, in all and in each place.", Remedy: "Compare with your account of the lot; destroy or return goods with an event first."}
	// ErrNotReconciled keeps recalls open until the goods are accounted for.
	ErrNotReconciled = chaincode.Rule{Code: "trace/not-reconciled", Kind: chaincode.Conflict,
		Text: "A recall is closed when every notified company has accounted for all that it had, or with the reason why not.", Remedy: "Remind the company, or say why the recall ends nevertheless."}
)
