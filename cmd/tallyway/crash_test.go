package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/identity/accounts"
)

// TestKillLosesNothingAcknowledged kills a server that is written to by
// several clients, again and again, at moments drawn from a pinned seed. What
// was answered with 201 is there after the restart, and the ledger and the
// read model verify. TALLYWAY_TORTURE=1 does it 200 times, a number does it
// so many times.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	rounds := 10
	if text := os.Getenv("TALLYWAY_TORTURE"); text == "1" {
		rounds = 200
	} else if n, err := strconv.Atoi(text); err == nil {
		rounds = n
	}
	const seed = 20260211
	t.Logf("%d rounds, seed %d", rounds, seed)
	chance := rand.New(rand.NewPCG(seed, 1))
	var clients []*writer
	data := founded(t, func(h *host.Host) {
		for i, p := range []person{operator, operator, stranger, stranger} {
			clients = append(clients, newWriter(i, p, apiToken(t, h, p, time.Hour*24, accounts.Read, accounts.Capture)))
		}
	})
	began, total, settled := time.Now(), 0, 0
	for round := range rounds {
		s := serving(t, data)
		for _, w := range clients {
			if err := w.check(s.address); err != nil {
				s.kill()
				t.Fatalf("round %d: %v\n%s", round, err, s.log)
			}
		}
		var writing sync.WaitGroup
		for _, w := range clients {
			writing.Go(func() { w.write(t, s.address) })
		}
		time.Sleep(time.Duration(chance.IntN(400)) * time.Millisecond)
		s.kill()
		writing.Wait()
		verifies := round%20 == 19 || round == rounds-1 || rounds <= 10
		if out, err := "", error(nil); verifies {
			if out, err = tallyway(t, "verify", "--data", data); err != nil {
				t.Fatalf("round %d: %v\n%s", round, err, out)
			}
		}
	}
	s := serving(t, data)
	for _, w := range clients {
		w.unchecked = w.acknowledged // all of them, once more
		if err := w.check(s.address); err != nil {
			t.Error(err)
		}
		total, settled = total+len(w.acknowledged), settled+w.inDoubt
	}
	s.stop(t)
	t.Logf("%d kills, %d events acknowledged, 0 lost, %d requests cut off, %.0f s", rounds, total, settled, time.Since(began).Seconds())
	if total < rounds {
		t.Errorf("only %d events were acknowledged in %d rounds: nothing is proven", total, rounds)
	}
}

// writer is a machine that logs lots over the REST binding.
type writer struct {
	number       int
	by           person
	token        string
	client       *http.Client
	lots         int
	acknowledged []string // hashes of all rounds
	unchecked    []string // those of the last round
	inDoubt      int      // requests that the kill cut off
}

// newWriter comes from an address of its own: the server counts by address.
func newWriter(number int, by person, token string) *writer {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(number+1))}}
	return &writer{number: number, by: by, token: token,
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DialContext: dialer.DialContext}}}
}

// write logs lots until the server is gone.
func (w *writer) write(t *testing.T, address string) {
	gtin := milk
	if w.by.party == harbour {
		gtin = gouda
	}
	for {
		w.lots++
		lot := lotID(gtin, fmt.Sprintf("K%d-%d", w.number, w.lots))
		body := document(t, events.Logged(place(w.by.party), time.Now().Add(-time.Minute), kilos(lot, 100), ""))
		status, answer, err := w.ask("POST", address+"/epcis/v2/events", body)
		switch {
		case err != nil:
			w.inDoubt++
			return
		case status == http.StatusTooManyRequests:
			time.Sleep(20 * time.Millisecond)
		case status != http.StatusCreated:
			t.Errorf("%s is answered %d: %s", lot, status, answer)
			return
		default:
			var reply struct{ EventID string }
			if err := json.Unmarshal(answer, &reply); err != nil || reply.EventID == "" {
				t.Errorf("%s is acknowledged without its hash: %s", lot, answer)
				return
			}
			w.acknowledged, w.unchecked = append(w.acknowledged, reply.EventID), append(w.unchecked, reply.EventID)
		}
	}
}

// check reads back what was acknowledged since the last check.
func (w *writer) check(address string) error {
	for _, hash := range w.unchecked {
		for {
			status, answer, err := w.ask("GET", address+"/epcis/v2/events/"+url.PathEscape(hash), nil)
			if status == http.StatusTooManyRequests {
				time.Sleep(20 * time.Millisecond)
				continue
			}
			if err != nil || status != http.StatusOK {
				return fmt.Errorf("%s was acknowledged and is lost: %d %s (%v)", hash, status, answer, err)
			}
			break
		}
	}
	w.unchecked = nil
	return nil
}

func (w *writer) ask(method, address string, body []byte) (int, []byte, error) {
	request, err := http.NewRequestWithContext(context.Background(), method, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+w.token)
	request.Header.Set("Content-Type", "application/ld+json")
	response, err := w.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, answer, errors.Join(err, response.Body.Close())
}
