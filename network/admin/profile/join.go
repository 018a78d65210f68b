package profile

import (
	"fmt"
	"maps"
	"net/url"
	"slices"

	"gopkg.in/yaml.v2"
)

// branch is a mapping as the YAML package reads it.
type branch = map[any]any

// Join gives one's own profile with the organisations, peers and orderers that
// another knows: what both sides need when one lets the other into its channel.
// Orders tells whether an orderer at an address, host:port, orders the channel;
// one that does not is left out.
func (p *Profile) Join(other *Profile, orders func(address string) bool) ([]byte, error) {
	if p.Channel != other.Channel {
		return nil, fmt.Errorf("the profiles are of different channels, %s and %s", p.Channel, other.Channel)
	}
	joined := maps.Clone(p.document)
	for _, section := range []string{"organizations", "peers", "orderers"} {
		joined[section] = union(below(p.document, section), below(other.document, section))
	}
	ordering := joined["orderers"].(branch)
	maps.DeleteFunc(ordering, func(_, node any) bool { return !orders(address(node)) })
	joined["channels"] = branch{p.Channel: branch{
		"orderers": names(ordering),
		"peers":    union(below(p.document, "channels", p.Channel, "peers"), below(other.document, "channels", p.Channel, "peers")),
	}}
	own := maps.Clone(below(p.document, "x-tallyway"))
	own["members"] = withoutIdle(own["members"], ordering)
	joined["x-tallyway"] = own
	return yaml.Marshal(joined)
}

// withoutIdle drops orderers that do not order from those for whom the holder
// acts: they would be asked to join.
func withoutIdle(members any, ordering branch) []any {
	all, _ := members.([]any)
	kept := make([]any, 0, len(all))
	for _, m := range all {
		member, _ := m.(branch)
		member = maps.Clone(member)
		if _, orders := ordering[below(member, "orderer")["name"]]; !orders {
			delete(member, "orderer")
		}
		kept = append(kept, member)
	}
	return kept
}

// below follows keys; what is not there is empty.
func below(b branch, keys ...string) branch {
	for _, key := range keys {
		b, _ = b[key].(branch)
	}
	return b
}

// union has everything of both; a holder's own word counts.
func union(own, other branch) branch {
	all := branch{}
	maps.Copy(all, other)
	maps.Copy(all, own)
	return all
}

func names(b branch) []string {
	var all []string
	for name := range b {
		all = append(all, fmt.Sprint(name))
	}
	slices.Sort(all)
	return all
}

// address is where a node answers, host:port.
func address(node any) string {
	b, _ := node.(branch)
	at, err := url.Parse(fmt.Sprint(b["url"]))
	if err != nil {
		return ""
	}
	return at.Host
}
