package host

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/shared/web"
)

// Config is everything an operator can say about one host. Every field
// above Clock is a flag of `tallyway serve`; where the flag's help names an
// environment variable TALLYWAY_<FLAG>, that is its default.
type Config struct {
	Data     string // folder of everything that must survive
	Listen   string // address of the web server
	BaseURL  string // where visitors find it, "https://trace.example.com"; empty is wherever each of them came to
	Ledger   string // "embedded" or "fabric"
	Profile  string // connection profile, for a Fabric ledger
	Database string // "sqlite:FILE" or "postgres://…"; empty is SQLite in Data
	MQTT     string // broker: "embedded://HOST:PORT", "mqtt://…", "mqtts://…"; empty or "none" is none
	// KeepReadings is after how many days readings of sensors are thinned; zero
	// keeps all.
	KeepReadings int
	Secret       string // seals the keys in the wallet; empty is a file in Data
	Demo         bool   // found the demo consortium on an empty ledger
	Blobs        string // where photos and documents are kept, "file:///…" or "s3://…"; empty is a folder in Data
	// PublicAccounts lets anybody open an account that acts for no company.
	PublicAccounts bool

	WebhookPrivate bool // webhooks may go to private and loopback addresses

	// ScrubRate is how many bytes a second of the ledger's blocks are read in the
	// background, to find damage before it spreads; negative turns that off.
	ScrubRate int
	// ScrubPause lies between two rounds of it.
	ScrubPause time.Duration

	// Clock is the host's only clock; tests turn its hands.
	Clock func() time.Time
	// Limits keep one visitor from taking the house; zero fields take the
	// web's defaults.
	Limits web.Limits
}

// Flags declares the flags of a command on a flag set, with the environment's
// values as defaults.
func (c *Config) Flags(fs *flag.FlagSet) {
	text := func(p *string, name, fallback, usage string) {
		fs.StringVar(p, name, fromEnvironment(name, fallback), usage+" ($"+environmentName(name)+")")
	}
	text(&c.Data, "data", "data", "folder of everything that must survive")
	text(&c.Listen, "listen", "127.0.0.1:8080", "address of the web server")
	text(&c.BaseURL, "base-url", "", "address under which visitors find the host, for QR codes (default: the one that each came to)")
	text(&c.Ledger, "ledger", "embedded", "embedded or fabric")
	text(&c.Profile, "profile", "", "connection profile of a Fabric network")
	text(&c.Database, "database", "", "sqlite:FILE or postgres://… (default: SQLite in the data folder)")
	text(&c.MQTT, "mqtt", "embedded://127.0.0.1:1883", "MQTT broker: embedded://ADDR, embeddeds://ADDR?cert=FILE&key=FILE, mqtt://…, mqtts://… or none")
	fs.IntVar(&c.KeepReadings, "keep-readings", 365, "days after which readings of sensors are thinned to their extremes; 0 keeps all")
	text(&c.Blobs, "blobs", "", "where photos and documents are kept: file:///… or s3://BUCKET?endpoint=https://…&region=… (default: a folder in the data folder)")
	public := fromEnvironment("public-accounts", "false")
	fs.BoolVar(&c.PublicAccounts, "public-accounts", public == "true" || public == "1", "let anybody open an account that acts for no company ($"+environmentName("public-accounts")+"; --demo does)")
	demo := fromEnvironment("demo", "false")
	fs.BoolVar(&c.Demo, "demo", demo == "true" || demo == "1", "found the demo consortium on an empty ledger ($"+environmentName("demo")+")")
	private := fromEnvironment("webhook-private", "false")
	fs.BoolVar(&c.WebhookPrivate, "webhook-private", private == "true" || private == "1", "let webhooks go to private and loopback addresses, which may stand behind your firewall ($"+environmentName("webhook-private")+")")
	fs.IntVar(&c.ScrubRate, "scrub-rate", 1<<20, "bytes a second that the background check of the ledger reads; -1 turns it off")
	fs.DurationVar(&c.ScrubPause, "scrub-pause", time.Hour, "time between two rounds of the background check")
	c.Secret = os.Getenv(environmentName("secret")) // never a flag: flags show in the process list
}

func environmentName(flag string) string {
	return "TALLYWAY_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func fromEnvironment(flag, fallback string) string {
	if v, ok := os.LookupEnv(environmentName(flag)); ok {
		return v
	}
	return fallback
}

// check refuses what cannot work, before anything is opened.
func (c *Config) check() error {
	switch {
	case c.Data == "":
		return fmt.Errorf("--data: name a folder")
	case c.BaseURL != "" && !isBase(c.BaseURL):
		return fmt.Errorf("--base-url %q: say https:// and a name, and nothing behind it", c.BaseURL)
	case c.Ledger != "" && c.Ledger != "embedded" && c.Ledger != "fabric":
		return fmt.Errorf("--ledger %q: say embedded or fabric", c.Ledger)
	case c.Ledger == "fabric" && c.Profile == "":
		return fmt.Errorf("--ledger fabric: name the network's connection profile with --profile")
	case c.Ledger != "fabric" && c.Profile != "":
		return fmt.Errorf("--profile: only a Fabric ledger has a connection profile")
	case c.Sensors() && !isBroker(c.MQTT):
		return fmt.Errorf("--mqtt %q: say embedded://HOST:PORT, mqtt://HOST:PORT, mqtts://HOST:PORT or none", c.MQTT)
	case c.KeepReadings < 0:
		return fmt.Errorf("--keep-readings %d: say a number of days, or 0", c.KeepReadings)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return nil
}

// isBase takes scheme and host alone: pages stand at the root of their host.
func isBase(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && address == u.Scheme+"://"+u.Host
}

// Sensors reports whether the host takes readings.
func (c *Config) Sensors() bool { return c.MQTT != "" && c.MQTT != "none" }

func isBroker(address string) bool {
	u, err := url.Parse(address)
	return err == nil && slices.Contains([]string{"embedded", "embeddeds", "mqtt", "mqtts"}, u.Scheme) && u.Host != ""
}

func (c *Config) path(parts ...string) string {
	return filepath.Join(append([]string{c.Data}, parts...)...)
}

func (c *Config) blobsURL() (string, error) {
	if c.Blobs != "" {
		return c.Blobs, nil
	}
	dir, err := filepath.Abs(c.path(blobsName))
	return "file://" + dir, err
}

func (c *Config) databaseURL() string {
	if c.Database != "" {
		return c.Database
	}
	return "sqlite:" + c.path("readmodel.db")
}
