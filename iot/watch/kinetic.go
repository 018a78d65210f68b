package watch

import (
	"math"
	"time"
)

// Constants of the mean kinetic temperature (USP <1079>, ICH Q1A): the heat of
// activation in kJ/mol and the gas constant in kJ/(mol K).
const (
	activation = 83.144
	gas        = 0.0083144
	zeroKelvin = -273.15
)

// kinetic sums up temperatures for their kinetic mean: the constant temperature
// at which as much would have spoilt. It keeps the sum as a
// multiple of its greatest term, so that none is lost, however cold.
type kinetic struct{ top, sum, weight float64 }

func (k *kinetic) add(celsius, weight float64) {
	kelvin := celsius - zeroKelvin
	if weight <= 0 || !(kelvin > 0) {
		k.weight += math.Max(weight, 0)
		return
	}
	e := -activation / gas / kelvin
	switch {
	case k.sum == 0:
		k.top, k.sum = e, weight
	case e > k.top:
		k.sum = k.sum*math.Exp(k.top-e) + weight
		k.top = e
	default:
		k.sum += weight * math.Exp(e-k.top)
	}
	k.weight += weight
}

func (k *kinetic) mean() float64 {
	switch {
	case k.weight == 0:
		return math.NaN()
	case k.sum == 0:
		return zeroKelvin
	}
	return activation/gas/-(k.top+math.Log(k.sum/k.weight)) + zeroKelvin
}

// Figures are what values over a time come to.
type Figures struct {
	From, To          time.Time
	Covered           time.Duration // a sensor's reading stood
	Silent            time.Duration // a sensor was there and told nothing
	Without           time.Duration // no sensor was there
	Coverage          float64       // Covered in percent of the whole
	Known             bool          // there was a reading; without, the following are zero
	Min, Max, Mean    float64
	MinAt, MaxAt      time.Time
	MKT               float64       // of temperatures, of the warmest sensor at each moment
	Hot, Cold         time.Duration // above and below the limits
	HotDegreeMinutes  float64       // by how much, times how long
	ColdDegreeMinutes float64
}
