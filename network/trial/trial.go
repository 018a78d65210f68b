// Package trial puts the suite on a real Fabric network: the corpus that every
// ledger passes, the business stories, random calls beside the embedded ledger,
// hosts of several members, and the faults that a network meets. It holds
// nothing but tests and the contracts that they need.
package trial
