package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// entering is the state of a row whose key is being made. Nobody finds it but
// Enter and Abandoned: for everybody else there is no such user yet.
const entering State = "entering"

// abandonedAfter is how long making a key may take: past it, whoever began is
// no longer there to finish.
const abandonedAfter = time.Minute

// Keys makes and unmakes the key of a user who is being entered.
type Keys struct {
	// Free refuses a name that holds a key already. It is asked before the name is
	// reserved: so an unfinished row never stands for an older key.
	Free func() error
	// Issue makes the key, or leaves nothing behind.
	Issue func() error
	// Withdraw takes the key back; one that is not there is no error.
	Withdraw func(msp, name string) error
}

// Enter enters a new user of a company together with their key. The name is
// reserved first, then the key is made, then the account opens: a refusal leaves
// neither behind, and what a crash leaves is an unfinished row, by which the
// next Enter of the name, or ClearAbandoned, finds the key to withdraw.
func (a *Accounts) Enter(ctx context.Context, r Registration, party string, keys Keys) (err error) {
	if err := a.checkPassword(r.Password, r.Name, r.Display, party, r.MSP); err != nil {
		return err
	}
	if err := a.clear(ctx, ` AND login = $3`, keys.Withdraw, login(r.Name)); err != nil {
		return err
	}
	if err := keys.Free(); err != nil {
		return err
	}
	phc, err := a.hasher.hash(ctx, r.Password)
	if err != nil {
		return err
	}
	if err := a.insert(ctx, r, entering, phc); err != nil {
		return err
	}
	if err := keys.Issue(); err != nil {
		return errors.Join(err, a.drop(ctx, r.Name))
	}
	done, err := a.config.DB.ExecContext(ctx, `UPDATE accounts SET state = $1 WHERE login = $2 AND state = $3`, string(Active), login(r.Name), string(entering))
	if err == nil {
		err = one(done, fmt.Errorf("the row of %s was cleared away while its key was made", r.Name))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("open the account of %s: %w", r.Name, err), keys.Withdraw(r.MSP, r.Name), a.drop(ctx, r.Name))
	}
	return nil
}

// ClearAbandoned removes what a crash left of users who were being entered:
// first the key, by which the row is still found, then the row.
func (a *Accounts) ClearAbandoned(ctx context.Context, withdraw func(msp, name string) error) error {
	return a.clear(ctx, "", withdraw)
}

func (a *Accounts) clear(ctx context.Context, narrow string, withdraw func(msp, name string) error, args ...any) error {
	left, err := a.abandoned(ctx, narrow, args...)
	if err != nil {
		return fmt.Errorf("look for users who were being entered: %w", err)
	}
	for _, r := range left {
		if err := withdraw(r.MSP, r.Name); err != nil {
			return fmt.Errorf("withdraw the key of %s: %w", r.Name, err)
		}
		if err := a.drop(ctx, r.Name); err != nil {
			return err
		}
	}
	return nil
}

func (a *Accounts) abandoned(ctx context.Context, narrow string, args ...any) (left []Registration, err error) {
	before := a.config.Clock().Add(-abandonedAfter).UnixMicro()
	rows, err := a.config.DB.QueryContext(ctx, `SELECT name, msp FROM accounts WHERE state = $1 AND created < $2`+narrow,
		append([]any{string(entering), before}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r Registration
		if err := rows.Scan(&r.Name, &r.MSP); err != nil {
			return nil, err
		}
		left = append(left, r)
	}
	return left, rows.Err()
}

// drop takes a reserved name back, even for a visitor who has gone away.
func (a *Accounts) drop(ctx context.Context, name string) error {
	_, err := a.config.DB.ExecContext(context.WithoutCancel(ctx), `DELETE FROM accounts WHERE login = $1 AND state = $2`, login(name), string(entering))
	if err != nil {
		return fmt.Errorf("take back the name %s: %w", name, err)
	}
	return nil
}

// insert adds a user's row, unless the name is taken.
func (a *Accounts) insert(ctx context.Context, r Registration, state State, phc string) error {
	done, err := a.config.DB.ExecContext(ctx, `INSERT INTO accounts (login, name, display, msp, language, state, password, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (login) DO NOTHING`,
		login(r.Name), r.Name, cut(r.Display, maxDisplay), r.MSP, cut(r.Language, maxLanguage), string(state), phc, a.now())
	if err != nil {
		return fmt.Errorf("enter the user %s: %w", r.Name, err)
	}
	return one(done, ErrNameTaken.Refuse("%s", r.Name).On("name"))
}
