// Package webtest drives an app's face in tests: users who are signed in, a
// client that keeps cookies, and a real browser.
//
// It decides nothing about what a page should say; the tests of the apps do.
package webtest

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"sync"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/web"
)

// Users is an Authenticator in memory: whoever is in it can sign in with their
// id as the password.
type Users struct {
	mu       sync.Mutex
	byID     map[string]web.User
	sessions map[string]string
	tokens   map[string]web.User
	key      []byte
}

// ErrUnknown refuses strangers.
var ErrUnknown = chaincode.Rule{Code: "webtest/unknown", Kind: chaincode.Forbidden,
	Text: "The name or the password is wrong.", Remedy: "Try again."}

// NewUsers makes an Authenticator of users; a user with Token is known by its
// id as bearer token.
func NewUsers(users ...web.User) *Users {
	u := &Users{byID: map[string]web.User{}, sessions: map[string]string{}, tokens: map[string]web.User{}, key: []byte(rand.Text())}
	for _, user := range users {
		if user.Token {
			u.tokens[user.ID] = user
		} else {
			u.byID[user.ID] = user
		}
	}
	return u
}

// BySession finds who holds the cookie.
func (u *Users) BySession(_ context.Context, cookie string) (*web.User, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	id, ok := u.sessions[cookie]
	if !ok {
		return nil, ErrUnknown.Refuse("")
	}
	user := u.byID[id]
	return &user, nil
}

// ByToken finds whose token it is.
func (u *Users) ByToken(_ context.Context, token string) (*web.User, error) {
	user, ok := u.tokens[token]
	if !ok {
		return nil, ErrUnknown.Refuse("")
	}
	return &user, nil
}

// Login opens a session.
func (u *Users) Login(_ context.Context, name, password, _, _ string) (string, *web.User, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	user, ok := u.byID[name]
	if !ok || password != name {
		return "", nil, ErrUnknown.Refuse("").On("password")
	}
	cookie := rand.Text()
	u.sessions[cookie] = name
	return cookie, &user, nil
}

// Logout ends a session.
func (u *Users) Logout(_ context.Context, cookie string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.sessions, cookie)
	return nil
}

// CSRF is a session's token.
func (u *Users) CSRF(cookie string) string {
	m := hmac.New(sha256.New, u.key)
	m.Write([]byte(cookie))
	return hex.EncodeToString(m.Sum(nil))
}

// CheckCSRF compares in constant time.
func (u *Users) CheckCSRF(cookie, token string) bool {
	return hmac.Equal([]byte(u.CSRF(cookie)), []byte(token))
}
