// Package scrypt takes the place of github.com/elithrar/simple-scrypt in the lab's restic, which asks it how hard the key of a new
// repository may be to derive. As released, each start of restic derives it for half a second, which is most of what the tests of backups
// compute, and guards passwords that no test has. Everything else is restic as released, and it opens repositories of the released one,
// as that one does these: the parameters are stored with the key.
package scrypt

import (
	"errors"
	"time"
)

// Params are those of scrypt (RFC 7914).
type Params struct {
	N, R, P        int
	SaltLen, DKLen int
}

// DefaultParams are the lowest that have every loop of scrypt run more than once.
var DefaultParams = Params{N: 16, R: 8, P: 1, SaltLen: 16, DKLen: 32}

// Check refuses what scrypt cannot be called with.
func (p *Params) Check() error {
	if p.N <= 1 || p.N%2 != 0 || p.R < 1 || p.P < 1 || p.SaltLen < 8 || p.DKLen < 16 {
		return errors.New("scrypt: the parameters provided are invalid")
	}
	return nil
}

// Calibrate returns the parameters as they are: nothing is to take long.
func Calibrate(_ time.Duration, _ int, p Params) (Params, error) {
	return p, p.Check()
}
