package traceability

import "testing"

// Documents, imports, photos, demands and single items run on PostgreSQL as well. With
// TALLYWAY_POSTGRES=1 so do all tests of this package whose world start opens.
func TestOnPostgreSQL(t *testing.T) {
	t.Setenv("TALLYWAY_POSTGRES", "1")
	for _, walk := range []struct {
		name string
		test func(*testing.T)
	}{
		{"documents", TestADocumentsFile}, {"imports", TestWhatChangedMeanwhileTakesTheWholeFileBack}, {"photos", TestLeftFilesGo},
		{"demands", TestPartnersDemandsAreTold}, {"items", TestItemsAreOfTheirBatch},
	} {
		t.Run(walk.name, walk.test)
	}
}
