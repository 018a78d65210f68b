package traceability

import (
	"fmt"
	"slices"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// near says whose accounts of which lots the reader sees: their own company's,
// and those of its neighbours in custody, one step up and one step down, who
// took the lot over from it or handed it over. Both sides have agreed to such a
// step; an offer alone would let anybody look into another's account.
type near struct {
	all bool
	own string
	of  map[[2]string]bool // lot, company
}

// sees reports whether the reader sees a company's account of a lot.
func (n near) sees(lot, company string) bool {
	return n.all || n.own != "" && company == n.own || n.of[[2]string{lot, company}]
}

// made is how much of a lot was made: what its maker's account began with, or
// what all the accounts come to where none of them is withheld. It is "" for who
// sees neither.
func (n near) made(l lotRow, withheld int) string {
	if withheld == 0 || n.sees(l.ID, l.Maker) {
		return l.Made
	}
	return ""
}

// companies are those whose account of a lot a reader sees who does not see all.
func (n near) companies(lot string) []string {
	all := []string{n.own}
	for seen := range n.of {
		if seen[0] == lot && seen[1] != n.own {
			all = append(all, seen[1])
		}
	}
	slices.Sort(all)
	return all
}

// near reads the neighbours of the reader's company in the custody of some lots.
func (r *reader) near(lots ...string) (near, error) {
	n := near{all: r.all, own: r.user.Party, of: map[[2]string]bool{}}
	if n.all || n.own == "" {
		return n, nil
	}
	type step struct {
		Lot      string `db:"lot"`
		Sender   string `db:"sender"`
		Receiver string `db:"receiver"`
	}
	for _, some := range chunks(lots) {
		list, args := inList(1, some)
		k := len(args)
		steps, err := readmodel.All[step](r.ctx, r.app.db, fmt.Sprintf(`SELECT DISTINCT l.lot, s.sender, s.receiver FROM tr_shipment_lines l
			JOIN tr_shipments s ON s.id = l.shipment WHERE l.lot IN %s AND s.state = $%d AND (s.sender = $%d OR s.receiver = $%d)`, list, k+1, k+2, k+3),
			append(args, trace.Accepted, n.own, n.own)...)
		if err != nil {
			return n, fmt.Errorf("read who handed over to %s: %w", n.own, err)
		}
		for _, s := range steps {
			n.of[[2]string{s.Lot, s.Sender}], n.of[[2]string{s.Lot, s.Receiver}] = true, true
		}
	}
	return n, nil
}
