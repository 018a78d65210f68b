// Package demo founds the demo consortium: a dairy, a cheese maker, a carrier, a
// retailer, a regulator, a tax office and two banks, with six weeks of
// deliveries behind them. Everything goes through the same commands that users
// and machines send; nothing is written past the contracts.
package demo

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/identity/accounts"
)

// The members of the demo network.
const (
	trade     = "ProducerMSP"
	tax       = "TaxMSP"
	banks     = "BankMSP"
	regulator = "RegulatorMSP"
)

var members = []party.Member{
	{ID: trade, Name: "Food Trade Association"},
	{ID: tax, Name: "Tax Administration", Authority: true},
	{ID: banks, Name: "Bankers' Association"},
	{ID: regulator, Name: "Market Regulation Administration", Authority: true},
}

// firm is a company of the demo with its login.
type firm struct {
	party.Register
	msp   string
	roles []string
	place trace.DescribePlace
}

// The companies, also their login names. Their prefixes lie in the ranges that
// GS1 keeps for examples.
var firms = []firm{
	{register("greenfield-dairy", "Greenfield Dairy", "绿野乳业", "9506000134", "9506000134352", party.KindManufacturer), trade,
		[]string{party.Operator, party.Admin}, trace.DescribePlace{Name: "Greenfield plant", NameZh: "绿野工厂", City: "Hohhot", CityZh: "呼和浩特", Country: "CN",
			Phone: "+86 471 555 0101", Street: "1 Meadow Road", Region: "Inner Mongolia", Postcode: "010000", Latitude: "40.8183", Longitude: "111.6603"}},
	{register("harbour-foods", "Harbour Foods", "海港食品", "9521234560", "9521234560012", party.KindProcessor), trade,
		[]string{party.Operator, party.Admin}, trace.DescribePlace{Name: "Harbour creamery", NameZh: "海港奶酪坊", City: "Tianjin", CityZh: "天津", Country: "CN",
			Phone: "+86 22 5555 0102", Street: "8 Harbour Road", Region: "Tianjin", Postcode: "300450", Latitude: "39.0208", Longitude: "117.7072"}},
	{register("swift-cold", "Swift Cold", "迅达冷链", "9521234571", "9521234571018", party.KindCarrier), trade,
		[]string{party.Operator, party.Admin}, trace.DescribePlace{Name: "Swift Cold hub", NameZh: "迅达冷链枢纽", City: "Zhangjiakou", CityZh: "张家口", Country: "CN", Latitude: "40.7686", Longitude: "114.8869"}},
	{register("city-market", "City Market", "城市超市", "9521234582", "9521234582014", party.KindRetailer), trade,
		[]string{party.Operator, party.Admin}, trace.DescribePlace{Name: "City Market store 12", NameZh: "城市超市十二店", City: "Beijing", CityZh: "北京", Country: "CN",
			Phone: "+86 10 5555 0104", Street: "12 Market Street", Region: "Beijing", Postcode: "100020", Latitude: "39.9219", Longitude: "116.4435"}},
	{register("food-safety", "Food Safety Office", "食品安全监管局", "", "", party.KindRegulator), regulator,
		[]string{party.Regulator, party.Admin}, trace.DescribePlace{}},
	{register("tax-office", "Tax Office", "税务局", "", "", party.KindTaxAuthority), tax,
		[]string{party.TaxOfficer, party.Admin}, trace.DescribePlace{}},
	{register("first-bank", "First Bank", "第一银行", "", "", party.KindBank), banks,
		[]string{party.Banker, party.Admin}, trace.DescribePlace{}},
	{register("second-bank", "Second Bank", "第二银行", "", "", party.KindBank), banks,
		[]string{party.Banker, party.Admin}, trace.DescribePlace{}},
}

func register(id, name, nameZh, prefix, gln, kind string) party.Register {
	r := party.Register{ID: id, Profile: party.Profile{Name: name, NameZh: nameZh, Kinds: []string{kind}}}
	if prefix != "" {
		r.Prefixes, r.GLNs = []string{prefix}, []string{gln}
	}
	if kind == party.KindRegulator {
		r.Field = "food"
	}
	return r
}

// Logins are the demo's login names, in the order in which they are shown.
func Logins() (names []string) {
	for _, f := range firms {
		names = append(names, f.ID)
	}
	return names
}

// weeks of deliveries lie behind the visitor.
const weeks = 6

func since(now time.Time) time.Time { return now.AddDate(0, 0, -7*weeks-1) }

// passwordFile stands in the data folder: the demo shows its password at every
// start, and is meant for nothing that needs a secret.
const passwordFile = "demo-password"

// Password is what all logins of a demo's data folder share.
func Password(data string) (string, error) {
	b, err := os.ReadFile(filepath.Join(data, passwordFile))
	if err != nil {
		return "", fmt.Errorf("this data folder was not founded as a demo: %w", err)
	}
	return string(b), nil
}

// Furnish makes a program found the demo consortium on an empty ledger. On a
// network it plays the part of the members whose keys the host has: several
// hosts found it together, in any order. Every founding makes a new password.
func Furnish(p *host.Program, data string) {
	for _, m := range members {
		p.Members = append(p.Members, m.ID)
	}
	p.Since = since
	var password string
	var story bool // this run tells it
	p.Found = func(ctx context.Context, h *host.Host) error {
		var err error
		if password, err = passphrase(); err != nil {
			return err
		}
		d := &founding{h: h, ctx: ctx, now: h.Now(), password: password}
		d.members()
		d.firms()
		if story = h.Holds(trade) && !d.told; story {
			d.products()
			d.deliveries()
			d.fleet()
		}
		return d.err
	}
	p.Opened = func(ctx context.Context, h *host.Host) error {
		if story {
			if err := file(ctx, h); err != nil {
				return err
			}
		}
		return os.WriteFile(filepath.Join(data, passwordFile), []byte(password), 0o600)
	}
}

// passphrase is easy to type and has 80 random bits.
func passphrase() (string, error) {
	text := strings.ToLower(rand.Text()) // 26 letters and digits, 130 bits
	return strings.Join([]string{text[0:4], text[4:8], text[8:12], text[12:16]}, "-"), nil
}

// founding is one run; its first error ends it.
type founding struct {
	h        *host.Host
	ctx      context.Context
	now      time.Time // of the visitor
	password string
	told     bool // another run has begun the story on this network
	err      error
}

// at turns the clock to a moment of the past; nothing happens in the future.
func (d *founding) at(t time.Time) {
	if t.After(d.now) {
		t = d.now
	}
	d.h.TurnClock(t)
}

// do sends a command as a user.
func (d *founding) do(msp, user string, command any) {
	if d.err != nil {
		return
	}
	_, _, err := host.Do[json.RawMessage](d.ctx, d.h, host.Actor{MSP: msp, User: user}, command)
	if err != nil {
		d.err = fmt.Errorf("%s sends %T: %w", user, command, err)
	}
}

// doAll sends commands as a user, in one transaction.
func (d *founding) doAll(msp, user string, commands []any) {
	d.sendAll(msp, user, commands, func(int) any { return new(json.RawMessage) })
}

// sendAll is doAll with the replies. A refusal of one command ends the founding.
func (d *founding) sendAll(msp, user string, commands []any, reply func(i int) any) {
	for i, answer := range d.batch(msp, user, commands) {
		if answer.Refusal != nil {
			d.try(fmt.Errorf("%s sends %T: %w", user, commands[i], answer.Refusal))
			return
		}
		d.try(json.Unmarshal(answer.Reply, reply(i)))
	}
}

// batch sends commands in one transaction and gives the answer to each.
func (d *founding) batch(msp, user string, commands []any) []chaincode.Answer {
	if d.err != nil || len(commands) == 0 {
		return nil
	}
	var batch chaincode.Batch
	for _, c := range commands {
		body, err := json.Marshal(c)
		d.try(err)
		batch.Commands = append(batch.Commands, chaincode.Item{Name: chaincode.NameOf(c), Body: body})
	}
	answers, _, err := host.Do[[]chaincode.Answer](d.ctx, d.h, host.Actor{MSP: msp, User: user}, batch)
	if err != nil {
		d.try(fmt.Errorf("%s sends a batch: %w", user, err))
	}
	return answers
}

func (d *founding) try(err error) {
	if d.err == nil {
		d.err = err
	}
}

// secretary speaks for a member.
const secretary = "secretary"

func (d *founding) members() {
	d.at(since(d.now))
	found, by := party.Found{}, ""
	for _, m := range members {
		if d.h.Holds(m.ID) {
			by = cmp.Or(by, m.ID)
			_, err := d.h.Wallet.Issue(identity.Enrolment{MSP: m.ID, User: secretary, Roles: []string{party.Admin}})
			d.try(err)
		}
		ca, err := d.h.CACert(m.ID)
		d.try(err)
		m.CA, m.Since = string(ca), d.h.Now()
		found.Members = append(found.Members, m)
	}
	d.do(by, secretary, found)
	if d.h.Profile != nil && errors.Is(d.err, party.ErrFounded) { // by another host, or an earlier run
		d.err = nil
	}
}

// firms are registered by their members, and then describe where they are.
func (d *founding) firms() {
	for _, m := range members {
		if d.h.Holds(m.ID) {
			d.register(m.ID)
		}
	}
	for _, f := range firms {
		if d.err != nil {
			return
		}
		if !d.h.Holds(f.msp) {
			continue
		}
		_, err := d.h.Wallet.Issue(identity.Enrolment{MSP: f.msp, User: f.ID, Party: f.ID, Roles: f.roles})
		d.try(err)
		_, err = d.h.Accounts.Create(d.ctx, accounts.Registration{Name: f.ID, Display: f.Name, MSP: f.msp, Password: d.password})
		d.try(err)
		if len(f.GLNs) > 0 {
			f.place.GLN = f.GLNs[0]
			d.do(f.msp, f.ID, f.place)
		}
	}
}

// register enters a member's companies, but for those that another host, or an
// earlier run, has entered.
func (d *founding) register(msp string) {
	var all []any
	for _, f := range firms {
		if f.msp == msp {
			all = append(all, f.Register)
		}
	}
	for _, answer := range d.batch(msp, secretary, all) {
		switch no := answer.Refusal; {
		case no == nil:
		case d.h.Profile != nil && errors.Is(no, party.ErrExists):
			d.told = d.told || msp == trade
		default:
			d.try(fmt.Errorf("register the companies of %s: %w", msp, no))
		}
	}
}

// firmOf finds a company by its login.
func firmOf(id string) firm {
	for _, f := range firms {
		if f.ID == id {
			return f
		}
	}
	panic("demo: there is no company " + id)
}

func companyOf(id string) events.Company {
	f := firmOf(id)
	c := events.Company{ID: f.ID, Name: f.Name, NameZh: f.NameZh}
	if len(f.GLNs) > 0 {
		c.GLN = f.GLNs[0]
	}
	return c
}
