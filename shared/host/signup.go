package host

import (
	"sync"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/identity/accounts"
	"github.com/tallyway/tallyway/shared/web"
)

// signUpForm opens a public account: one that acts for no company.
type signUpForm struct {
	Name     string `form:"name,required"`
	Display  string `form:"display,required"`
	Password string `form:"password,required"`
}

type signUpView struct {
	Open bool
	Form *web.Form[signUpForm] `json:"-"`
}

// Rules of public accounts.
var (
	ErrNoSignUp = chaincode.Rule{Code: "account/no-sign-up", Kind: chaincode.Forbidden,
		Text: "This host opens no public accounts.", Remedy: "Ask a company of the network for an account."}
	ErrSignUps = chaincode.Rule{Code: "account/sign-ups", Kind: chaincode.Conflict,
		Text: "Too many accounts were opened lately.", Remedy: "Try again in an hour."}
)

// signUpsAnHour bounds the accounts that strangers open, from everywhere: each
// costs a certificate and a slow hash.
const signUpsAnHour = 60

func (h *Host) signUp(c *web.Ctx) error {
	show := func(f *web.Form[signUpForm]) error {
		f.Forget("password")
		return c.Render("signup.html", signUpView{h.Config.opensAccounts(), f})
	}
	return web.Post(c, signUpForm{}, show, func(f *web.Form[signUpForm]) (string, error) {
		if !h.Config.opensAccounts() {
			return "", ErrNoSignUp.Refuse("")
		}
		if !h.signUps.take(h.Now()) {
			return "", ErrSignUps.Refuse("")
		}
		if err := h.openPublic(c, f.Value); err != nil {
			return "", err
		}
		c.Flash("The account is open. Sign in with it.")
		return "/login", nil
	})
}

func (c *Config) opensAccounts() bool { return c.PublicAccounts || c.Demo }

// openPublic makes the key, the certificate and the login of a public account.
// The first member that the host has the keys of vouches for it.
func (h *Host) openPublic(c *web.Ctx, s signUpForm) error {
	msps, err := h.Wallet.Members()
	if err != nil {
		return err
	}
	if h.Profile != nil {
		msps = []string{h.Profile.Members[0].MSP}
	}
	wanted := identity.Enrolment{MSP: msps[0], User: s.Name, Roles: []string{rolePublic}}
	err = h.Accounts.Enter(c.Context(), accounts.Registration{Name: s.Name, Display: s.Display, MSP: msps[0], Language: c.Lang(), Password: s.Password}, "",
		accounts.Keys{Free: func() error { return h.Wallet.Free(wanted) }, Withdraw: h.Wallet.Withdraw,
			Issue: func() error { _, err := h.Wallet.Issue(wanted); return err }})
	return onField(err, "name")
}

// hourly remembers when accounts were opened within the last hour.
type hourly struct {
	mu    sync.Mutex
	times []time.Time
}

func (h *hourly) take(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.times) > 0 && now.Sub(h.times[0]) >= time.Hour {
		h.times = h.times[1:]
	}
	if len(h.times) >= signUpsAnHour {
		return false
	}
	h.times = append(h.times, now)
	return true
}
