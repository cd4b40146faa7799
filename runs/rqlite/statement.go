package rqlite

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/rqlite/gorqlite"
)

// Statement is one SQL text with the values of its `?` parameters.
//
// Values are nil, bool, string, integers or floats. Text that somebody else wrote belongs inside a JSON array
// parameter ([Upsert], [List]): as a parameter of its own, a string of the form x'4142' would be stored as bytes, so
// such a string is refused here.
//
// SQL must hold no clock and no randomness: the node replays it at every start, and every node of a cluster runs it.
type Statement struct {
	SQL  string
	Args []any
}

// Result is what one statement of a write did. LastInsertID says nothing after a statement that inserted nothing.
type Result struct {
	RowsAffected int64
	LastInsertID int64
}

var (
	firstWord = regexp.MustCompile(`^\s*([A-Za-z]+)`)
	returning = regexp.MustCompile(`(?i)\breturning\b`)
)

// checked turns statements into what gorqlite sends, and refuses what would be changed on the way or could not be
// undone.
func checked(statements []Statement, write bool) ([]gorqlite.ParameterizedStatement, error) {
	if len(statements) == 0 {
		return nil, fmt.Errorf("%w: no statement", ErrRejected)
	}
	ready := make([]gorqlite.ParameterizedStatement, 0, len(statements))
	for i, s := range statements {
		if err := s.check(write); err != nil {
			return nil, fmt.Errorf("%w: statement %d (%s): %w", ErrRejected, i, excerpt(s.SQL), err)
		}
		args := make([]any, 0, len(s.Args))
		for n, arg := range s.Args {
			value, err := parameter(arg)
			if err != nil {
				return nil, fmt.Errorf("%w: statement %d (%s), parameter %d: %w", ErrRejected, i, excerpt(s.SQL), n, err)
			}
			args = append(args, value)
		}
		ready = append(ready, gorqlite.ParameterizedStatement{Query: s.SQL, Arguments: args})
	}
	return ready, nil
}

func (s Statement) check(write bool) error {
	word := ""
	if m := firstWord.FindStringSubmatch(s.SQL); m != nil {
		word = strings.ToUpper(m[1])
	}
	if strings.TrimSpace(s.SQL) == "" {
		return errors.New("no SQL")
	}
	switch word {
	case "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE":
		return errors.New("a call is one transaction already: leave " + word + " out")
	}
	if write && returning.MatchString(s.SQL) {
		// Its rows would be lost, and a failure after it would not be rolled back.
		return errors.New("RETURNING does not work in a write: use Claim")
	}
	return nil
}

// parameter returns arg in the form in which JSON keeps its value.
func parameter(arg any) (any, error) {
	switch v := arg.(type) {
	case nil, bool:
		return v, nil
	case string:
		if !utf8.ValidString(v) {
			return nil, errors.New("text is not UTF-8")
		}
		if looksLikeBytes(v) {
			return nil, errors.New("text of the form x'…' would be stored as bytes: put it into a JSON array (List)")
		}
		return v, nil
	case []byte:
		return nil, errors.New("bytes are not stored here: keep them in a file and its hash as hexadecimal text")
	}
	switch v := reflect.ValueOf(arg); v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if v.Uint() > math.MaxInt64 {
			return nil, fmt.Errorf("%d is larger than an SQL integer", v.Uint())
		}
		return int64(v.Uint()), nil
	case reflect.Float32, reflect.Float64:
		if math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0) {
			return nil, errors.New("not a finite number")
		}
		return v.Float(), nil
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.String:
		return parameter(v.String())
	default:
		return nil, fmt.Errorf("a %T is not a value of the store", arg)
	}
}

// looksLikeBytes reports whether the node would read text as an SQL byte literal.
func looksLikeBytes(text string) bool {
	t := strings.TrimSpace(text)
	if len(t) < 3 || (t[0] != 'x' && t[0] != 'X') || t[1] != '\'' || t[len(t)-1] != '\'' {
		return false
	}
	_, err := hex.DecodeString(t[2 : len(t)-1])
	return err == nil
}

// excerpt is the beginning of an SQL text on one line.
func excerpt(sql string) string {
	const limit = 80
	line := strings.Join(strings.Fields(sql), " ")
	if len(line) <= limit {
		return line
	}
	return strings.ToValidUTF8(line[:limit], "") + "…"
}
