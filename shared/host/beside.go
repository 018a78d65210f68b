package host

import (
	"context"
	"errors"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/identity/accounts"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// People is the accounts of a data folder, opened beside a host that may be
// running: neither the ledger nor the read model is touched.
type People struct {
	*accounts.Accounts
	db *readmodel.DB
}

// OpenAccounts opens the wallet and the accounts of a data folder.
func OpenAccounts(ctx context.Context, config Config) (*People, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	wallet, err := openWallet(config, config.Clock)
	if err != nil {
		return nil, err
	}
	db, err := readmodel.Open(ctx, config.databaseURL())
	if err != nil {
		return nil, err
	}
	people, err := newAccounts(ctx, db, wallet, config)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &People{people, db}, nil
}

// Close closes the database.
func (p *People) Close() error { return p.db.Close() }

func newAccounts(ctx context.Context, db *readmodel.DB, wallet *identity.Wallet, config Config) (*accounts.Accounts, error) {
	if err := db.Migrate(ctx, "accounts", accounts.Migrations()); err != nil {
		return nil, err
	}
	return accounts.New(accounts.Config{Clock: config.Clock,
		Caller: func(msp, user string) (chaincode.Caller, error) {
			id, err := wallet.Get(msp, user)
			if err != nil {
				return chaincode.Caller{}, err
			}
			return id.Caller(), nil
		},
		DB: accounts.DB{Queries: db, InTx: func(ctx context.Context, f func(accounts.Queries) error) error {
			return db.InTx(ctx, func(tx *readmodel.Tx) error { return f(tx) })
		}}})
}
