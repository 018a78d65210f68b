// Package channel brings orderers and peers onto the channel, and tells how
// they stand to it. Joining twice is joining once.
package channel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/golang/protobuf/proto"
	"github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric-sdk-go/pkg/client/resmgmt"
	"github.com/hyperledger/fabric-sdk-go/pkg/common/errors/retry"

	"github.com/tallyway/tallyway/network/admin/participation"
	"github.com/tallyway/tallyway/network/admin/session"
)

// patience is how long orderers may take to choose a leader, or to fetch the
// blocks that they have missed.
const patience = 60 * time.Second

// Say reports what was done, for the person who waits.
type Say func(format string, args ...any)

// Create makes the channel of a genesis block: every orderer of the profile's
// members joins it, then every peer.
func Create(ctx context.Context, s *session.Session, block []byte, say Say) error {
	if err := check(block, s.Channel, true); err != nil {
		return err
	}
	return enter(ctx, s, block, say)
}

// Join brings the profile's members onto a channel that runs. The block is any
// config block of the channel that names their orderers, or the genesis block
// for members without one.
func Join(ctx context.Context, s *session.Session, block []byte, say Say) error {
	if err := check(block, s.Channel, false); err != nil {
		return err
	}
	return enter(ctx, s, block, say)
}

func enter(ctx context.Context, s *session.Session, block []byte, say Say) error {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	err := s.Each(ctx, func(ctx context.Context, a *session.Admin) error { return joinOrderer(ctx, a, s.Channel, block, say) })
	if err != nil {
		return err
	}
	return s.Each(ctx, func(ctx context.Context, a *session.Admin) error { return joinPeers(ctx, a, s.Channel, block, say) })
}

// Fetch gets the channel's last config block from an orderer: what a new
// orderer joins with.
func Fetch(ctx context.Context, s *session.Session) (block []byte, number uint64, err error) {
	a, err := s.Admin(s.Members[0])
	if err != nil {
		return nil, 0, err
	}
	b, err := a.ConfigBlock(ctx)
	if err != nil {
		return nil, 0, err
	}
	block, err = proto.Marshal(b)
	return block, b.Header.Number, err
}

// check refuses a block before anything has joined the wrong channel.
func check(block []byte, channel string, genesis bool) error {
	number, header, err := config(block)
	switch {
	case err != nil:
		return fmt.Errorf("this is not a config block: %w", err)
	case header.ChannelId != channel:
		return fmt.Errorf("the block is of channel %s, the profile of %s", header.ChannelId, channel)
	case genesis && number != 0:
		return fmt.Errorf("a channel begins with block 0, this is block %d", number)
	}
	return nil
}

func config(text []byte) (number uint64, header *common.ChannelHeader, err error) {
	var block common.Block
	if err := proto.Unmarshal(text, &block); err != nil {
		return 0, nil, err
	}
	if block.Header == nil || block.Data == nil || len(block.Data.Data) != 1 {
		return 0, nil, errors.New("it does not hold exactly one transaction")
	}
	var envelope common.Envelope
	var payload common.Payload
	header = new(common.ChannelHeader)
	if err := proto.Unmarshal(block.Data.Data[0], &envelope); err != nil {
		return 0, nil, err
	}
	if err := proto.Unmarshal(envelope.Payload, &payload); err != nil {
		return 0, nil, err
	}
	if payload.Header == nil {
		return 0, nil, errors.New("its transaction has no header")
	}
	if err := proto.Unmarshal(payload.Header.ChannelHeader, header); err != nil {
		return 0, nil, err
	}
	if header.Type != int32(common.HeaderType_CONFIG) {
		return 0, nil, errors.New("its transaction is not a configuration")
	}
	return block.Header.Number, header, nil
}

func joinOrderer(ctx context.Context, a *session.Admin, channel string, block []byte, say Say) error {
	if a.Orderer.Participation == "" {
		return nil
	}
	orderer, err := participation.Dial(a.Orderer)
	if err != nil {
		return err
	}
	defer orderer.Close()
	joined, err := orderer.Join(ctx, channel, block)
	if err != nil {
		return err
	}
	now, err := orderer.Await(ctx, channel)
	if err != nil {
		return err
	}
	say("%s %s %s as %s", a.Orderer.Name, done(joined, "joins", "stands on"), channel, now.Relation)
	return nil
}

func joinPeers(ctx context.Context, a *session.Admin, channel string, block []byte, say Say) error {
	for _, peer := range a.Peers {
		at := resmgmt.WithTargetEndpoints(peer.Name)
		stands, err := joined(ctx, a, channel, at)
		if err != nil {
			return fmt.Errorf("%s: %w", peer.Name, err)
		}
		if !stands {
			// Orderers that have just joined may still be choosing a leader.
			err := a.AtOrderers(func(orderer resmgmt.RequestOption) error {
				return a.JoinChannel(channel, at, orderer, resmgmt.WithParentContext(ctx), resmgmt.WithRetry(retry.DefaultOpts))
			})
			if err != nil {
				return fmt.Errorf("%s: %w", peer.Name, err)
			}
		}
		blocks, err := awaitBlocks(ctx, a, channel, peer.Name)
		if err == nil {
			err = sameChannel(ctx, a, peer.Name, block, blocks)
		}
		if err != nil {
			return err
		}
		say("%s %s %s, %d blocks", peer.Name, done(!stands, "joins", "stands on"), channel, blocks)
	}
	return nil
}

// sameChannel refuses a peer that holds another block in the place of the given
// one: it stands on a channel of the same name, left over from another network.
func sameChannel(ctx context.Context, a *session.Admin, peer string, given []byte, blocks uint64) error {
	var block common.Block
	if err := proto.Unmarshal(given, &block); err != nil {
		return err
	}
	if block.Header.Number >= blocks {
		return nil // it is still to come
	}
	own, err := a.Block(ctx, peer, block.Header.Number)
	if err != nil {
		return fmt.Errorf("%s: %w", peer, err)
	}
	if !bytes.Equal(own.Header.DataHash, block.Header.DataHash) {
		return fmt.Errorf("%s stands on another channel %s: its block %d is not the given one", peer, a.Channel(), block.Header.Number)
	}
	return nil
}

// awaitBlocks waits until a peer has the blocks that others have now: before,
// it would answer from the past.
func awaitBlocks(ctx context.Context, a *session.Admin, channel, peer string) (have uint64, err error) {
	goal := a.Highest(ctx)
	for {
		have, err := height(ctx, a, channel, peer)
		if err == nil && have >= goal {
			return have, nil
		}
		select {
		case <-ctx.Done():
			return have, errors.Join(fmt.Errorf("%s has %d of %d blocks", peer, have, goal), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func joined(ctx context.Context, a *session.Admin, channel string, at resmgmt.RequestOption) (bool, error) {
	channels, err := a.QueryChannels(at, resmgmt.WithParentContext(ctx))
	if err != nil {
		return false, err
	}
	for _, c := range channels.Channels {
		if c.ChannelId == channel {
			return true, nil
		}
	}
	return false, nil
}

func done(now bool, fresh, before string) string {
	if now {
		return fresh
	}
	return before
}

// Standing is how an orderer or a peer stands to the channel. Trouble, if any,
// is said instead of the rest.
type Standing struct {
	Member  string
	Node    string
	Role    string
	Height  uint64
	Trouble error
}

// Info asks every orderer and peer of the profile's members.
func Info(ctx context.Context, s *session.Session) ([]Standing, error) {
	var all []Standing
	var mutex sync.Mutex
	err := s.Each(ctx, func(ctx context.Context, a *session.Admin) error {
		nodes := append(ordererStanding(ctx, a, s.Channel), peerStandings(ctx, a, s.Channel)...)
		mutex.Lock()
		defer mutex.Unlock()
		all = append(all, nodes...)
		return nil
	})
	slices.SortFunc(all, func(x, y Standing) int {
		return slices.Compare([]string{x.Member, x.Node}, []string{y.Member, y.Node})
	})
	return all, err
}

func ordererStanding(ctx context.Context, a *session.Admin, channel string) []Standing {
	if a.Orderer.Participation == "" {
		return nil
	}
	here := Standing{Member: a.MSPID, Node: a.Orderer.Name}
	orderer, err := participation.Dial(a.Orderer)
	if err == nil {
		defer orderer.Close()
		var now participation.Channel
		now, err = orderer.Channel(ctx, channel)
		here.Role, here.Height = now.Relation+", "+now.Status, now.Height
	}
	here.Trouble = err
	return []Standing{here}
}

func peerStandings(ctx context.Context, a *session.Admin, channel string) []Standing {
	var all []Standing
	for _, peer := range a.Peers {
		height, err := height(ctx, a, channel, peer.Name)
		all = append(all, Standing{Member: a.MSPID, Node: peer.Name, Role: "peer", Height: height, Trouble: err})
	}
	return all
}

func height(ctx context.Context, a *session.Admin, channel, peer string) (uint64, error) {
	stands, err := joined(ctx, a, channel, resmgmt.WithTargetEndpoints(peer))
	if err != nil {
		return 0, err
	}
	if !stands {
		return 0, errors.New("the peer has not joined the channel")
	}
	return a.Height(ctx, peer)
}
