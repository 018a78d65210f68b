package scans

import (
	"math"
	"strconv"
)

// Point is a place on earth in degrees (WGS 84).
type Point struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

// ReadPoint reads two decimal numbers of degrees. What is not on earth is none:
// NaN, the infinite, 999.
func ReadPoint(lat, lon string) (Point, bool) {
	if len(lat) > 32 || len(lon) > 32 {
		return Point{}, false
	}
	y, err := strconv.ParseFloat(lat, 64)
	if err != nil {
		return Point{}, false
	}
	x, err := strconv.ParseFloat(lon, 64)
	if err != nil {
		return Point{}, false
	}
	p := Point{y, x}
	return p, p.OnEarth()
}

// OnEarth reports whether the degrees are such; nothing compares with NaN.
func (p Point) OnEarth() bool {
	return p.Lat >= -90 && p.Lat <= 90 && p.Lon >= -180 && p.Lon <= 180
}

// earth is its mean radius in km.
const earth = 6371.0

// Km is the distance along the ground.
func (p Point) Km(q Point) float64 {
	const degree = math.Pi / 180
	dLat, dLon := (q.Lat-p.Lat)*degree/2, (q.Lon-p.Lon)*degree/2
	h := math.Sin(dLat)*math.Sin(dLat) + math.Cos(p.Lat*degree)*math.Cos(q.Lat*degree)*math.Sin(dLon)*math.Sin(dLon)
	return 2 * earth * math.Asin(math.Sqrt(min(h, 1)))
}

// cell is the side of the squares that points are rounded to, in degrees of
// latitude: about 5 km.
const cell = 0.045

// Coarse is the middle of the square of about 5 km that the point lies in: all
// that is ever kept of where a shopper was.
func (p Point) Coarse() Point {
	lat := math.Round(p.Lat/cell) * cell
	step := cell / max(math.Cos(lat*math.Pi/180), 0.01)
	lon := math.Round(p.Lon/step) * step
	return Point{clamp(lat, 90), clamp(lon, 180)}
}

// clamp keeps a rounded coordinate on earth, to four decimals.
func clamp(x, most float64) float64 {
	return math.Round(max(-most, min(most, x))*1e4) / 1e4
}
