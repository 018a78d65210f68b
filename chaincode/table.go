package chaincode

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// Table is a kind of record in the public state, each under a key of one or
// more parts.
type Table[T any] struct{ Name string }

// Get loads one record, and says whether it is there.
func (t Table[T]) Get(tx *Tx, key ...string) (row T, ok bool) {
	b := tx.get(joinKey(t.Name, key))
	if b == nil {
		return row, false
	}
	tx.decodeRow(t.Name, b, &row)
	return row, true
}

// Has says whether the record is there, without decoding it.
func (t Table[T]) Has(tx *Tx, key ...string) bool { return tx.get(joinKey(t.Name, key)) != nil }

// Put stores one record.
func (t Table[T]) Put(tx *Tx, row T, key ...string) {
	tx.put("", joinKey(t.Name, key), tx.encodeRow(t.Name, row))
}

// Delete removes one record; one that is not there stays so.
func (t Table[T]) Delete(tx *Tx, key ...string) { tx.put("", joinKey(t.Name, key), nil) }

// Scan visits the records whose key begins with the given parts, in key order,
// until visit returns false. The range counts as read: a record that appears
// in it before the commit makes the call run again.
func (t Table[T]) Scan(tx *Tx, visit func(key []string, row T) bool, prefix ...string) {
	from := joinKey(t.Name, prefix) + "/"
	tx.scan(from, joinKey(t.Name, prefix)+"0", func(key string, value []byte) bool { // '0' follows '/'
		var row T
		tx.decodeRow(t.Name, value, &row)
		return visit(splitKey(key)[1:], row)
	})
}

// Private is a kind of record in the implicit private collections: one copy in
// the collection of each organisation that keeps it.
type Private[T any] struct{ Name string }

// Put stores one organisation's copy. Keys must not be guessable: their hashes
// are public.
func (t Private[T]) Put(tx *Tx, org string, row T, key ...string) {
	tx.put(org, joinKey(t.Name, key), tx.encodeRow(t.Name, row))
}

// Delete removes one organisation's copy.
func (t Private[T]) Delete(tx *Tx, org string, key ...string) {
	tx.put(org, joinKey(t.Name, key), nil)
}

// Get loads one organisation's copy, in queries only.
func (t Private[T]) Get(tx *Tx, org string, key ...string) (row T, ok bool) {
	b := tx.getPrivate(org, joinKey(t.Name, key))
	if b == nil {
		return row, false
	}
	tx.decodeRow(t.Name, b, &row)
	return row, true
}

func (tx *Tx) encodeRow(table string, row any) []byte {
	b, err := json.Marshal(row)
	if err != nil {
		tx.fail(fmt.Errorf("encode a row of %s: %w", table, err))
	}
	return b
}

func (tx *Tx) decodeRow(table string, b []byte, row any) {
	if err := json.Unmarshal(b, row); err != nil {
		tx.fail(fmt.Errorf("decode a row of %s: %w", table, err))
	}
}

// Key parts are joined by '/'; a part that holds one is escaped, so that no
// part can pass for two. Control characters are escaped as well: Fabric keeps
// U+0000 for its composite keys.
var (
	escaper   = strings.NewReplacer("%", "%25", "/", "%2F", "\x00", "%00", "\U0010ffff", "%4")
	unescaper = strings.NewReplacer("%25", "%", "%2F", "/", "%00", "\x00", "%4", "\U0010ffff")
)

func joinKey(table string, parts []string) string {
	var b strings.Builder
	b.WriteString(table)
	for _, p := range parts {
		b.WriteByte('/')
		escaper.WriteString(&b, strings.ToValidUTF8(p, "\ufffd"))
	}
	return b.String()
}

func splitKey(key string) []string {
	parts := strings.Split(key, "/")
	for i, p := range parts {
		parts[i] = unescaper.Replace(p)
	}
	return parts
}

// MinSalt is the least number of random bytes that hide a commitment.
const MinSalt = 16

// Commit binds to content without showing it: SHA-256 over the salt and the
// content, each with its length. Without the salt, guessing the content proves
// nothing.
func Commit(salt, content []byte) (string, error) {
	if len(salt) < MinSalt {
		return "", ErrSalt.Refuse("%s bytes", len(salt)).On("salt")
	}
	h := sha256.New()
	for _, part := range [][]byte{salt, content} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
