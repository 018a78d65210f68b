package ccaas

import (
	"strings"
	"testing"

	"github.com/hyperledger/fabric-sdk-go/pkg/fab/ccpackager/lifecycle"
)

func TestPackageIsTheSameEverywhere(t *testing.T) {
	p, err := Make("tallyway", "1.0")
	if err != nil {
		t.Fatal(err)
	}
	// The id stands here, so that another Go or another machine that packs
	// otherwise is noticed before members approve different packages.
	const want = "tallyway_1.0:3002cc942649cb37c52a73f38ff64114d4c3d562058b7d3985143bcb35bc6a06"
	if p.ID != want {
		t.Errorf("package id %s, want %s", p.ID, want)
	}
	if sdk := lifecycle.ComputePackageID(p.Label, p.Bytes); sdk != p.ID {
		t.Errorf("the SDK calls it %s, we %s", sdk, p.ID)
	}
}

func TestPackageIsReadBack(t *testing.T) {
	made, err := Make("tallyway", "2")
	if err != nil {
		t.Fatal(err)
	}
	read, err := Read(made.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if read.ID != made.ID || read.Label != "tallyway_2" {
		t.Errorf("read back %s, made %s", read.ID, made.ID)
	}
	code, err := find(made.Bytes, "code.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	connection, err := find(code, "connection.json")
	if want := `{"address":"127.0.0.1:{{.ccport}}","dial_timeout":"10s","tls_required":false}`; err != nil || string(connection) != want {
		t.Errorf("connection.json is %s, %v", connection, err)
	}
}

func TestMakeAndReadRefuse(t *testing.T) {
	for _, v := range []string{"", " ", "1/2", ".1", "1:2"} {
		if _, err := Make("tallyway", v); err == nil {
			t.Errorf("made version %q", v)
		}
	}
	unlabelled, err := archive(file{"metadata.json", metadata{Type: "ccaas"}})
	if err != nil {
		t.Fatal(err)
	}
	bare, err := archive(file{"code.tar.gz", []byte{}})
	if err != nil {
		t.Fatal(err)
	}
	for want, packed := range map[string][]byte{
		"not a chaincode package": []byte("hello"),
		"has no metadata.json":    bare,
		"has no label":            unlabelled,
	} {
		if _, err := Read(packed); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
