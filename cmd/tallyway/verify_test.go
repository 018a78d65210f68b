package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/cmd/tallyway/demo"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/host"
)

// must runs a command of the program that has to succeed.
func must(t testing.TB, args ...string) string {
	t.Helper()
	out, err := tallyway(t, args...)
	if err != nil {
		t.Fatalf("tallyway %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// refuses runs one that has to fail, and to say why.
func refuses(t testing.TB, words []string, args ...string) {
	t.Helper()
	out, err := tallyway(t, args...)
	if err == nil {
		t.Errorf("tallyway %s succeeds:\n%s", strings.Join(args, " "), out)
	}
	for _, w := range words {
		if !strings.Contains(out, w) {
			t.Errorf("tallyway %s does not say %q:\n%s", strings.Join(args, " "), w, out)
		}
	}
}

// signsIn reports whether a name and a password open a session.
func signsIn(t testing.TB, address, name, password string) bool {
	t.Helper()
	response, err := plain.PostForm(address+"/login", url.Values{"name": {name}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode == http.StatusSeeOther
}

func get200(t testing.TB, address, bearer string) bool {
	t.Helper()
	r, err := http.NewRequest("GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	return send(t, r).status == http.StatusOK
}

// TestDemoIsLookedAfter goes an operator's way through a demo that serves:
// verify, token, password, backup; then restore beside it.
func TestDemoIsLookedAfter(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	s := serving(t, data, "--demo")
	defer s.kill()
	if out := must(t, "verify", "--data", data); !strings.Contains(out, "verified") {
		t.Errorf("verify beside the server says %s", out)
	}
	secret := strings.TrimSpace(must(t, "token", "--data", data, "--user", "greenfield-dairy", "--scopes", "read"))
	if !get200(t, s.address+"/api/lots", secret) {
		t.Error("a token that was made beside the server does not work")
	}
	bundleIsChecked(t, s.address, secret)
	readingIsChecked(t, s.address, secret)
	old, err := demo.Password(data)
	if err != nil {
		t.Fatal(err)
	}
	fresh := strings.TrimSpace(must(t, "password", "--data", data, "--user", "city-market"))
	if !signsIn(t, s.address, "city-market", fresh) || signsIn(t, s.address, "city-market", old) {
		t.Error("after `password` the new one does not work, or the old one does")
	}
	file := filepath.Join(dir, "backup.tar")
	must(t, "backup", "--data", data, "--to", file)
	refuses(t, []string{"file exists"}, "backup", "--data", data, "--to", file)
	s.stop(t)
	must(t, "verify", "--data", data)

	again := filepath.Join(dir, "again")
	must(t, "restore", "--data", again, "--from", file)
	must(t, "verify", "--data", again)
	refuses(t, []string{"not empty"}, "restore", "--data", again, "--from", file)
	r := serving(t, again)
	defer r.kill()
	if !signsIn(t, r.address, "city-market", fresh) || !signsIn(t, r.address, "greenfield-dairy", old) || !get200(t, r.address+"/api/lots", secret) {
		t.Error("who could sign in before the backup cannot after the restore")
	}
	r.stop(t)
}

// bundleIsChecked takes a lot's proof bundle from a server and checks it without
// one: by the members' published certificates, and by others.
func bundleIsChecked(t *testing.T, address, bearer string) {
	t.Helper()
	dir := t.TempDir()
	save := func(name, path string) string { return saved(t, dir, name, address+path, bearer) }
	var lots struct{ Items []struct{ ID string } }
	if b, err := os.ReadFile(save("lots.json", "/api/lots?limit=1")); err != nil || json.Unmarshal(b, &lots) != nil || len(lots.Items) != 1 {
		t.Fatalf("lots: %v %+v", err, lots)
	}
	proof, members := save("proof.zip", "/api/lots/"+lots.Items[0].ID+"/bundle"), save("members.pem", "/members.pem")
	if out := must(t, "verify", "--bundle", proof, "--trust", members); !strings.Contains(out, lots.Items[0].ID) || !strings.Contains(out, ": trusted\n") {
		t.Errorf("verify --bundle says %s", out)
	}
	pem, err := os.ReadFile(members)
	if err != nil {
		t.Fatal(err)
	}
	few := filepath.Join(dir, "few.pem")
	if err := os.WriteFile(few, pem[:bytes.Index(pem, []byte("-----END CERTIFICATE-----"))+26], 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, []string{"not among those you trust"}, "verify", "--bundle", proof, "--trust", few)
	refuses(t, []string{"no certificate"}, "verify", "--bundle", proof, "--trust", proof)
	refuses(t, []string{"no proof bundle"}, "verify", "--bundle", members)
	refuses(t, []string{"goes with --bundle"}, "verify", "--trust", members)
}

// saved is a file with what a server answers.
func saved(t *testing.T, dir, name, address, bearer string) string {
	t.Helper()
	r, err := http.NewRequest("GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	answer := send(t, r)
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(answer.body), 0o600); err != nil || answer.status != http.StatusOK {
		t.Fatalf("%s: %d %v %s", address, answer.status, err, answer.body)
	}
	return file
}

// readingIsChecked takes the proof of one reading of the demo's sensors, once it
// is sealed, and checks it without a server; one changed digit proves nothing.
func readingIsChecked(t *testing.T, address, bearer string) {
	t.Helper()
	dir, device := t.TempDir(), address+"/api/devices/greenfield-dairy/tank-hall"
	var curve struct{ Points [][]float64 }
	from := time.Now().Add(-3 * time.Hour).UTC()
	chart := device + "/readings?channel=temperature&from=" + from.Format(time.RFC3339) + "&to=" + from.Add(20*time.Minute).Format(time.RFC3339)
	for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		b, err := os.ReadFile(saved(t, dir, "chart.json", chart, bearer))
		if err != nil || json.Unmarshal(b, &curve) != nil || time.Now().After(end) {
			t.Fatalf("%v %s", err, b)
		}
		if len(curve.Points) > 0 {
			break
		}
	}
	at := time.UnixMilli(int64(curve.Points[0][0])).UTC()
	for end := time.Now().Add(time.Minute); !get200(t, device+"/proof?channel=temperature&at="+at.Format(time.RFC3339Nano), bearer); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the reading is not sealed")
		}
	}
	file := saved(t, dir, "reading.json", device+"/proof?channel=temperature&at="+at.Format(time.RFC3339Nano), bearer)
	if out := must(t, "verify", "--readings", file, "--trust", saved(t, dir, "members.pem", address+"/members.pem", bearer)); !strings.Contains(out, "tank-hall temperature at") || !strings.Contains(out, "verified") {
		t.Errorf("verify --readings says %s", out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	value := regexp.MustCompile(`"value":\s*[0-9]`)
	if err := os.WriteFile(file, value.ReplaceAll(b, []byte(`"value":1`)), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, []string{"does not prove what it says"}, "verify", "--readings", file)
}

// TestDamagedBackupsLeaveNothing flips and cuts a backup.
func TestDamagedBackupsLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	data := founded(t, logSome)
	file := filepath.Join(dir, "backup.tar")
	must(t, "backup", "--data", data, "--to", file)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	stream := bytes.LastIndex(whole, []byte("ledger.stream")) // the name in its tar header
	flip := func(at int) []byte {
		b := bytes.Clone(whole)
		b[at] ^= 1
		return b
	}
	for name, b := range map[string][]byte{
		"cut in half": whole[:len(whole)/2], "cut in the ledger": whole[:stream+2000], "a flipped bit early in the ledger": flip(stream + 512 + 3000),
		"a flipped bit late in the ledger": flip((stream + 512 + len(whole)) / 2), "empty": nil, "no tar": []byte(strings.Repeat("x", 4096)),
	} {
		t.Run(name, func(t *testing.T) {
			bad, into := filepath.Join(t.TempDir(), "bad.tar"), filepath.Join(t.TempDir(), "into")
			if err := os.WriteFile(bad, b, 0o600); err != nil {
				t.Fatal(err)
			}
			refuses(t, []string{"tallyway:"}, "restore", "--data", into, "--from", bad)
			if left, _ := filepath.Glob(into + "*"); len(left) > 0 {
				t.Errorf("it leaves %v", left)
			}
		})
	}
}

// logSome logs a few lots, so that there are blocks to damage.
func logSome(h *host.Host) {
	for i := range 20 {
		command, err := events.Capture(events.Logged(place(dairy), h.Now().Add(-time.Minute), kilos(lotID(milk, fmt.Sprintf("V%d", i)), 100), ""), gs1.Amount{})
		if err != nil {
			panic(err)
		}
		if _, _, err := host.Do[any](context.Background(), h, operator.actor(), command); err != nil {
			panic(err)
		}
	}
}

// blockFile is the ledger's newest file of blocks.
func blockFile(t testing.TB, data string) string {
	t.Helper()
	var found string
	filepath.Walk(filepath.Join(data, "ledger"), func(path string, info os.FileInfo, err error) error {
		if err == nil && strings.HasPrefix(info.Name(), "blockfile_") {
			found = path
		}
		return nil
	})
	if found == "" {
		t.Fatal("there is no block file")
	}
	return found
}

// flipLot changes one letter of a lot's id in a block file, as a failing disk
// or a forger might. It looks for the whole id: the few letters of the number
// alone stand in keys and signatures of other blocks too, by chance.
func flipLot(t testing.TB, file, number string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	word := lotID(milk, number)
	at := bytes.Index(b, []byte(word))
	if at < 0 {
		t.Fatalf("%s is not in %s", word, file)
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{b[at] ^ 1}, int64(at)); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedBlockIsNamed flips a bit where no server runs.
func TestDamagedBlockIsNamed(t *testing.T) {
	data := founded(t, logSome)
	file := blockFile(t, data)
	flipLot(t, file, "V5")
	out, err := tallyway(t, "verify", "--data", data)
	if err == nil || !regexp.MustCompile(`block \d+ \(blockfile_\d+, byte \d+\)`).MatchString(out) {
		t.Errorf("verify says %v: %s", err, out)
	}
	t.Logf("%s", out)
}

// Two damaged blocks are both named, past the start-up check that stops at the
// newest one; and so are two differences in the read model.
func TestVerifyNamesEveryFault(t *testing.T) {
	data := founded(t, logSome)
	file := blockFile(t, data)
	flipLot(t, file, "V5")
	flipLot(t, file, "V8")
	out, err := tallyway(t, "verify", "--data", data)
	named := regexp.MustCompile(`block \d+ \(blockfile_\d+, byte \d+\)`).FindAllString(out, -1)
	slices.Sort(named)
	if err == nil || len(slices.Compact(named)) != 2 {
		t.Errorf("verify says %v and names %v:\n%s", err, named, out)
	}

	data = founded(t, logSome)
	db, err := sql.Open("sqlite", filepath.Join(data, "readmodel.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{`UPDATE tr_accounts SET held = '1' WHERE lot = ?`, `UPDATE tr_lots SET number = 'X' WHERE id = ?`} {
		if _, err := db.Exec(change, lotID(milk, "V3")); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	refuses(t, []string{"tr_accounts", "held", "tr_lots", "number"}, "verify", "--data", data)
}

// TestRunningServerNoticesDamage flips a bit under a server: it is unwell, says
// so in its log, and verify beside it names the block and the file.
func TestRunningServerNoticesDamage(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	var said log
	h := openWith(t, host.Config{Data: data, ScrubPause: 50 * time.Millisecond}, slog.New(slog.NewTextHandler(&said, nil)))
	defer h.Close()
	logSome(h)
	well := func() answer {
		r, err := http.NewRequest("GET", h.Address()+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		return send(t, r)
	}
	if a := well(); a.status != http.StatusOK {
		t.Fatal(a)
	}
	must(t, "verify", "--data", data)
	flipLot(t, blockFile(t, data), "V5")
	began := time.Now()
	for well().status != http.StatusServiceUnavailable {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("the server has not noticed; its log:\n%s", &said)
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("noticed after %s", time.Since(began).Round(time.Millisecond))
	if !strings.Contains(said.String(), "damaged") || !strings.Contains(said.String(), "blockfile_") {
		t.Errorf("the log does not name the damage:\n%s", &said)
	}
	refuses(t, []string{"block ", "blockfile_"}, "verify", "--data", data)
}

// TestChangedRowIsNamedAndMended changes the read model behind the program's
// back.
func TestChangedRowIsNamedAndMended(t *testing.T) {
	data := founded(t, logSome)
	db, err := sql.Open("sqlite", filepath.Join(data, "readmodel.db"))
	if err != nil {
		t.Fatal(err)
	}
	done, err := db.Exec(`UPDATE tr_accounts SET held = '1' WHERE lot = ?`, lotID(milk, "V3"))
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := done.RowsAffected(); n != 1 {
		t.Fatalf("%d rows changed", n)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	refuses(t, []string{"tr_accounts", lotID(milk, "V3"), "held", "tallyway rebuild"}, "verify", "--data", data)
	must(t, "rebuild", "--data", data)
	must(t, "verify", "--data", data)
}

// TestInterruptedFoundingBeginsAnew kills the first start at several moments:
// when the first of the members' keys is there, when the ledger is, and in the
// middle of the story.
func TestInterruptedFoundingBeginsAnew(t *testing.T) {
	for sign, after := range map[string]time.Duration{"wallet/*": 0, "wallet/*/*": 2 * time.Millisecond, "ledger": 0, "readmodel.db": 400 * time.Millisecond} {
		data := filepath.Join(t.TempDir(), "data")
		s := launch(t, data, "--demo")
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Microsecond) {
			if found, _ := filepath.Glob(filepath.Join(data, sign)); len(found) > 0 {
				break
			}
		}
		time.Sleep(after)
		s.kill()
		if strings.Contains(s.log.String(), "serves on") {
			t.Errorf("the founding had ended %s after %s", after, sign)
		}
		s = serving(t, data, "--demo")
		password, err := demo.Password(data)
		if err != nil {
			t.Fatal(err)
		}
		if !signsIn(t, s.address, "greenfield-dairy", password) {
			t.Errorf("killed %s after %s, nobody signs in to what was founded then", after, sign)
		}
		s.stop(t)
		must(t, "verify", "--data", data)
	}
}
