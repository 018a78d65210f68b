// Package tallyway is the root of the suite: it holds no code, only the tests
// that keep the house in order. Start at README.md, then docs/.
package tallyway
