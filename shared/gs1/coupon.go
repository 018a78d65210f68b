package gs1

import "fmt"

// couponCode checks the value of (8110), a North American coupon: required
// fields in fixed order, then optional ones, each led by its number.
func couponCode(s string) *flaw {
	c := &coupon{rest: s, flaw: digits(s, 0)}
	c.sized("company prefix", 0, 6, 6)
	c.take("offer code", 6)
	c.sized("save value", 1, 5, 0)
	c.purchase("first purchase requirement")
	var start, expiry string
	for _, field := range "1234569" {
		if !c.optional(byte(field)) {
			continue
		}
		switch field {
		case '1':
			c.code("additional purchase rules", "0123")
			c.purchase("second purchase requirement")
			c.prefix("second purchase company prefix")
		case '2':
			c.purchase("third purchase requirement")
			c.prefix("third purchase company prefix")
		case '3':
			expiry = c.date("expiry date")
		case '4':
			start = c.date("start date")
		case '5':
			c.sized("serial number", 0, 9, 6)
		case '6':
			c.sized("retailer", 1, 7, 6)
		case '9':
			c.code("save value code", "01256")
			c.code("item that the save value applies to", "012")
			c.take("store coupon flag", 1)
			c.code("flag against multiplying", "01")
		}
	}
	if c.flaw == nil && start != "" && expiry != "" && after(start, expiry) {
		return wrong("Check both dates.", "expires before it starts")
	}
	return c.end()
}

// couponOffer checks the value of (8112), a positive offer file coupon.
func couponOffer(s string) *flaw {
	c := &coupon{rest: s, flaw: digits(s, 0)}
	c.code("format", "01")
	c.sized("funder", 0, 6, 6)
	c.take("offer code", 6)
	c.sized("serial number", 0, 9, 6)
	return c.end()
}

// A coupon reads fields off its front, up to the first flaw.
type coupon struct {
	rest string
	flaw *flaw
}

func (c *coupon) take(what string, length int) string {
	if c.flaw != nil {
		return ""
	}
	if len(c.rest) < length {
		c.flaw = &flaw{codeLength, "breaks off in its " + what, "Give the coupon's whole code."}
		return ""
	}
	s := c.rest[:length]
	c.rest = c.rest[length:]
	return s
}

// code takes one digit out of allowed.
func (c *coupon) code(what, allowed string) byte {
	s := c.take(what, 1)
	if s == "" {
		return 0
	}
	for i := range len(allowed) {
		if allowed[i] == s[0] {
			return s[0]
		}
	}
	c.flaw = wrong("Check the digits of the coupon.", "has %s as its %s", s, what)
	return 0
}

// sized takes a field that is led by its length less base, low to high.
func (c *coupon) sized(what string, low, high, base int) {
	size := c.take("length of the "+what, 1)
	if size == "" {
		return
	}
	v := number(size)
	if v < low || v > high {
		c.flaw = wrong("Check the digits of the coupon.", "has %s as the length of its %s", size, what)
		return
	}
	c.take(what, base+v)
}

func (c *coupon) purchase(what string) {
	c.sized(what, 1, 5, 0)
	c.code("code of the "+what, "012349")
	c.take("family code of the "+what, 3)
}

// prefix takes a company prefix, or 9 for none.
func (c *coupon) prefix(what string) {
	if c.flaw == nil && len(c.rest) > 0 && c.rest[0] == '9' {
		c.rest = c.rest[1:]
		return
	}
	c.sized(what, 0, 6, 6)
}

func (c *coupon) date(what string) string {
	s := c.take(what, 6)
	if s != "" {
		if f := yymmdd(s); f != nil {
			c.flaw = wrong(f.remedy, "holds a wrong %s, which %s", what, f.says)
		}
	}
	return s
}

func (c *coupon) optional(field byte) bool {
	if c.flaw != nil || c.rest == "" || c.rest[0] != field {
		return false
	}
	c.rest = c.rest[1:]
	return true
}

func (c *coupon) end() *flaw {
	if c.flaw == nil && c.rest != "" {
		c.flaw = &flaw{codeLength, fmt.Sprintf("goes on after its end with %q", c.rest), "Remove what follows the last field, and keep fields in order."}
	}
	return c.flaw
}

// after reports whether date a, as YYMMDD, is after b. Years are taken to lie
// within fifty of each other, so that 00 follows 99.
func after(a, b string) bool {
	years := (number(a[:2]) - number(b[:2]) + 100) % 100
	if years == 0 {
		return a > b
	}
	return years < 50
}
