// Command schemadoc writes docs/schema.md: every table of the store with its columns, keys, indexes and what they mean,
// made from the SQL that makes them. `./task generate` runs it.
//
// It ends with an error when a table or a column has no meaning, when a meaning has none of those any more, when a table
// is not STRICT, and when the SQL has a form it does not know.
package main

import (
	"fmt"
	"os"

	"github.com/seed-98789ff7/converter/runs"
)

func main() {
	text, err := document(runs.DescribeSchema())
	if err != nil {
		fmt.Fprintln(os.Stderr, "schemadoc:", err)
		os.Exit(1)
	}
	fmt.Print(text)
}
