// Command admin administers a Fabric network from a connection profile: it
// brings orderers and peers onto the channel, contracts into force, users into
// a Fabric CA and new members into the consortium. See `admin help`.
//
// It is a module of its own, for fabric-sdk-go belongs to an older generation
// of Fabric's protobufs, which one program cannot share with the newer one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/tallyway/tallyway/network/admin/profile"
	"github.com/tallyway/tallyway/network/admin/session"
)

// command is two words of the command line.
type command struct {
	name, summary string
	run           func(ctx context.Context, args []string, out io.Writer) error
}

var commands = []command{
	{"channel create", "orderers and peers join the channel of a genesis block", channelCreate},
	{"channel join", "a new member's orderer and peers join a channel that runs", channelJoin},
	{"channel info", "how every orderer and peer stands to the channel", channelInfo},
	{"channel fetch", "write the channel's last config block", channelFetch},
	{"contracts package", "make the package of a version", contractsPackage},
	{"contracts install", "put a package on the peers", contractsInstall},
	{"contracts approve", "approve terms and a package", contractsApprove},
	{"contracts ready", "who has approved", contractsReady},
	{"contracts commit", "put into force what a majority has approved", contractsCommit},
	{"contracts deploy", "install, approve and commit", contractsDeploy},
	{"contracts running", "what runs on each peer", contractsRunning},
	{"member add", "let a new organisation in, with the signatures of a majority", memberAdd},
	{"member show", "what a change does, and who has signed it", memberShow},
	{"member sign", "add signatures to a change that others have proposed", memberSign},
	{"member submit", "hand a change with enough signatures to the orderers", memberSubmit},
	{"member profile", "join the profiles of a newcomer and of the others", memberProfile},
	{"users register", "enter a user at a member's Fabric CA", usersRegister},
	{"users enrol", "make a user's key and have its certificate issued", usersEnrol},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "admin:", session.Reason(err))
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		usage(out)
		return nil
	}
	wanted := strings.Join(args[:min(2, len(args))], " ")
	for _, c := range commands {
		if c.name != wanted {
			continue
		}
		err := c.run(ctx, args[2:], out)
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	usage(os.Stderr)
	return fmt.Errorf("there is no command %q", wanted)
}

func usage(out io.Writer) {
	fmt.Fprintln(out, "usage: admin COMMAND [flags]; `admin COMMAND --help` lists the flags")
	for _, c := range commands {
		fmt.Fprintf(out, "  %-18s %s\n", c.name, c.summary)
	}
}

// flags makes a command's flag set; what must be given is named to parse.
func flags(name string) *flag.FlagSet { return flag.NewFlagSet("admin "+name, flag.ContinueOnError) }

// parse reads the flags and refuses to go on without those required.
func parse(f *flag.FlagSet, args []string, required ...string) error {
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("%q is not a flag", f.Arg(0))
	}
	for _, name := range required {
		if f.Lookup(name).Value.String() == "" {
			return fmt.Errorf("--%s is missing; `%s --help` lists the flags", name, f.Name())
		}
	}
	return nil
}

// profileFlag is the flag that nearly every command has.
func profileFlag(f *flag.FlagSet) *string {
	return f.String("profile", "", "the connection profile `FILE` that says for which members to act")
}

// open opens a session on the profile in a file.
func open(file string) (*session.Session, error) {
	p, err := profile.Read(file)
	if err != nil {
		return nil, err
	}
	return session.Open(p)
}

// sayer prints lines of those who act at the same time, one at a time.
func sayer(out io.Writer) func(format string, args ...any) {
	var mutex sync.Mutex
	return func(format string, args ...any) {
		mutex.Lock()
		defer mutex.Unlock()
		fmt.Fprintf(out, format+"\n", args...)
	}
}

// list is a flag that may be given several times, or once with commas.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(text string) error {
	for word := range strings.SplitSeq(text, ",") {
		if word == "" {
			return errors.New("an empty word")
		}
		*l = append(*l, word)
	}
	return nil
}
