package client

import (
	"errors"
	"net"
	"strings"
	"testing"
)

func TestAddresses(t *testing.T) {
	for text, want := range map[string]address{
		"mqtt://broker":                   {host: "broker:1883", name: "broker"},
		"mqtt://host@[::1]:99/":           {host: "[::1]:99", name: "::1", user: "host"},
		"mqtts://broker":                  {host: "broker:8883", name: "broker", secure: true},
		"mqtts://b:1?ca=a&cert=c&key=k":   {host: "b:1", name: "b", secure: true, ca: "a", cert: "c", key: "k"},
		"mqtts://b?ca=%2Fetc%2Fa%20b.pem": {host: "b:8883", name: "b", secure: true, ca: "/etc/a b.pem"},
	} {
		if got, err := parse(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "broker:1883", "tcp://broker", "mqtt://", "mqtt://user:sesame@broker", "mqtt://user:sesame@bro ker", "mqtts://user:sesame@broker:port", "mqtt://broker/topic", "mqtt://broker#x",
		"mqtt://broker?ca=a", "mqtts://broker?cert=a", "mqtts://broker?key=a", "mqtts://broker?ca=a&ca=b", "mqtts://broker?ca=", "mqtts://broker?password=sesame", "mqtts://broker?ca=%zz", "mqtt:broker"} {
		if got, err := parse(text); !errors.Is(err, ErrAddress) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]bool{"mqtt://broker": true, "mqtts://broker": false, "mqtt://127.0.0.1": false, "mqtt://localhost": false, "mqtt://10.0.0.1": true} {
		if a, err := parse(text); err != nil || a.exposed() != want {
			t.Errorf("%s: exposed %v, %v", text, a.exposed(), err)
		}
	}
}

func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"mqtt://broker", "mqtts://u@b:1?ca=a&cert=c&key=k", "mqtt://u:p@b", "mqtt://[::1]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parse(text)
		if _, _, wrong := net.SplitHostPort(a.host); err == nil && (wrong != nil || a.name == "" || !a.secure && a.ca != "") {
			t.Errorf("%q: %+v", text, a)
		}
	})
}

// listenOnly takes connections and says nothing.
func listenOnly(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}
