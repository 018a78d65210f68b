package traceability

import (
	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/iot/watch"
	"github.com/tallyway/tallyway/shared/web"
)

// ruleWords say what was broken. Limits have two sides.
var ruleWords = map[watch.Kind]string{watch.OutOfLimits: "Above the limit", watch.Cumulative: "Above the limit too long in all", watch.DoorOpen: "Open too long", watch.Shock: "Shock",
	watch.Outside: "Outside its area", watch.Standing: "Standing too long", watch.Silent: "Silent", watch.BatteryLow: "Battery low", watch.Stuck: "The sensor repeats one value", watch.Jumped: "The sensor jumps"}

var lowRuleWords = map[watch.Kind]string{watch.OutOfLimits: "Below the limit", watch.Cumulative: "Below the limit too long in all", watch.BatteryLow: "Battery low"}

func ruleWord(k watch.Kind, s watch.Side) string {
	if s == watch.Cold || s == watch.Low {
		return lowRuleWords[k]
	}
	return ruleWords[k]
}

// what is an excursion in words: "Above the limit: Temperature".
func (x excursionRow) what(c *web.Ctx) string {
	kind, side, channel, ours := watch.ParseRule(x.Rule)
	word := ruleWord(kind, side)
	if !ours || word == "" {
		return c.T("Alarm") + ": " + x.Type
	}
	if _, measured := iot.KindOf(channel); !measured || kind == watch.BatteryLow {
		return c.T(word)
	}
	return c.T(word) + ": " + channelName(c, channel)
}

// worstOf is what a device raises now, in a word: first what concerns the goods,
// then what concerns the device; silence is told by the time of its last reading.
func worstOf(id iot.ID, going []watch.Excursion) (worst web.Chip) {
	for _, x := range going {
		switch {
		case x.Device != id || x.Kind == watch.Silent:
		case x.Kind.Fault() && worst.Word == "":
			worst = web.Chip{Word: ruleWord(x.Kind, x.Side), Tone: web.Warn}
		case !x.Kind.Fault() && worst.Tone != web.Bad:
			worst = web.Chip{Word: ruleWord(x.Kind, x.Side), Tone: web.Bad}
		}
	}
	return worst
}
