package membership

import (
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"

	"github.com/golang/protobuf/proto"
	"github.com/hyperledger/fabric-protos-go/common"
	mspproto "github.com/hyperledger/fabric-protos-go/msp"
)

// Describe says line by line what the update does to a configuration, so that
// nobody signs what they have not seen. It tells of everything that an update
// can do, whoever made it.
func (u *Update) Describe(current *common.Config) ([]string, error) {
	var change common.ConfigUpdate
	if err := proto.Unmarshal(u.change, &change); err != nil {
		return nil, err
	}
	return describe("Channel", current.GetChannelGroup(), change.GetWriteSet()), nil
}

// describe compares a group with what is written over it. Written parts carry a
// version: higher than now, they change what is there; a group whose version is
// higher consists of what is written only.
func describe(path string, now, written *common.ConfigGroup) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(written.GetGroups())) {
		if now.GetGroups()[name] == nil {
			lines = append(lines, fmt.Sprintf("%s: lets in %s%s", path, name, authorities(written.Groups[name])))
			continue
		}
		lines = append(lines, describe(path+"/"+name, now.Groups[name], written.Groups[name])...)
	}
	lines = append(lines, parts(path, "policy", now.GetPolicies(), written.GetPolicies(), written.GetVersion() > now.GetVersion())...)
	lines = append(lines, parts(path, "value", now.GetValues(), written.GetValues(), written.GetVersion() > now.GetVersion())...)
	if written.GetVersion() > now.GetVersion() {
		if written.ModPolicy != now.ModPolicy {
			lines = append(lines, fmt.Sprintf("%s: changes who decides, from %q to %q", path, now.ModPolicy, written.ModPolicy))
		}
		lines = append(lines, missing(path, "group", now.Groups, written.Groups)...)
	}
	return lines
}

// part is a policy or a value.
type part interface {
	GetVersion() uint64
}

func parts[P part](path, kind string, now, written map[string]P, whole bool) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(written)) {
		before, there := now[name]
		switch {
		case !there:
			lines = append(lines, fmt.Sprintf("%s: adds the %s %s", path, kind, name))
		case written[name].GetVersion() > before.GetVersion():
			lines = append(lines, fmt.Sprintf("%s: changes the %s %s", path, kind, name))
		}
	}
	if whole {
		lines = append(lines, missing(path, kind, now, written)...)
	}
	return lines
}

func missing[P any](path, kind string, now, written map[string]P) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if _, kept := written[name]; !kept {
			lines = append(lines, fmt.Sprintf("%s: removes the %s %s", path, kind, name))
		}
	}
	return lines
}

// authorities are the fingerprints of an organisation's root certificates, to
// compare with what its administrator says on another way.
func authorities(organization *common.ConfigGroup) (text string) {
	var config mspproto.MSPConfig
	var fabric mspproto.FabricMSPConfig
	if err := proto.Unmarshal(organization.GetValues()["MSP"].GetValue(), &config); err != nil {
		return ", whose certificates cannot be read"
	}
	if err := proto.Unmarshal(config.Config, &fabric); err != nil {
		return ", whose certificates cannot be read"
	}
	for _, root := range fabric.RootCerts {
		if block, _ := pem.Decode(root); block != nil {
			text += fmt.Sprintf(", authority SHA-256 %X", sha256.Sum256(block.Bytes))
		}
	}
	return text
}
