package host

import (
	"flag"
	"testing"
)

func TestABaseIsSchemeAndHost(t *testing.T) {
	for address, fine := range map[string]bool{"": true, "https://trace.example.com": true, "http://10.0.0.7:8080": true,
		"trace.example.com": false, "https://": false, "https://:443": false, "ftp://trace.example.com": false, "https://trace.example.com/": false,
		"https://trace.example.com/a": false, "https://u:p@trace.example.com": false, "https://trace.example.com?x": false, "https://trace.example.com#x": false} {
		c := Config{Data: "data", BaseURL: address}
		if err := c.check(); (err == nil) != fine {
			t.Errorf("--base-url %q: %v", address, err)
		}
	}
}

func TestTheEnvironmentNamesTheBase(t *testing.T) {
	t.Setenv("TALLYWAY_BASE_URL", "https://trace.example.com")
	var c Config
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	c.Flags(fs)
	if err := fs.Parse(nil); err != nil || c.BaseURL != "https://trace.example.com" {
		t.Errorf("%v: %q", err, c.BaseURL)
	}
}
