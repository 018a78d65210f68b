package embedded

import (
	"errors"
	"testing"

	"github.com/IBM/idemix"
	"github.com/hyperledger/fabric/msp"
)

// Anonymous credentials are refused where Fabric would make them, not left to
// fail later; and the module in their place is the one that is linked.
func TestMembersHaveCertificatesOnly(t *testing.T) {
	for _, version := range []msp.MSPVersion{msp.MSPv1_1, msp.MSPv1_3} {
		made, err := msp.New(&msp.IdemixNewOpts{NewBaseOpts: msp.NewBaseOpts{Version: version}}, nil)
		if !errors.Is(err, idemix.ErrLeftOut) || made != nil {
			t.Errorf("version %d: %v, %v", version, made, err)
		}
	}
	kind := msp.ProviderTypeToString(msp.IDEMIX)
	if _, err := msp.GetVerifyingMspConfig(t.TempDir(), "Producer", kind); !errors.Is(err, idemix.ErrLeftOut) {
		t.Error(err)
	}
}
