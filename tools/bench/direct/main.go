//go:build ignore

// Command direct writes rows into SQLite itself, without a server around it. tools/bench builds it with the module file of
// the database node, so that it has the very SQLite that the node has, and compares it with the way of a run into the store.
//
//	direct DATABASE DDL INSERT ROWS
//
// ROWS is a file with one row a line, a JSON array of values in the order of the parameters of INSERT. For each line on
// standard input, "FROM COUNT BATCH", it makes the table anew in DATABASE, writes COUNT rows from number FROM on in
// transactions of BATCH rows, and answers with the nanoseconds that the writing took. It ends with its input.
package main

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	_ "github.com/mattn/go-sqlite3"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "direct:", err)
		os.Exit(2)
	}
}

func run(args []string) (err error) {
	if len(args) != 4 {
		return errors.New("it takes DATABASE DDL INSERT ROWS")
	}
	rows, err := read(args[3])
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite3", "file:"+args[0]+"?_journal_mode=WAL&_synchronous=NORMAL")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		var from, count, batch int
		if _, err := fmt.Sscan(orders.Text(), &from, &count, &batch); err != nil {
			return err
		}
		if _, err := db.Exec("DROP TABLE IF EXISTS items"); err != nil {
			return err
		}
		if _, err := db.Exec(args[1]); err != nil {
			return err
		}
		if from+count > len(rows) {
			return fmt.Errorf("there are %d rows", len(rows))
		}
		took, err := write(db, args[2], rows[from:from+count], batch)
		if err != nil {
			return err
		}
		fmt.Println(took.Nanoseconds())
	}
	return orders.Err()
}

// read reads rows. Numbers stay whole.
func read(path string) (rows [][]any, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	lines := json.NewDecoder(file)
	for lines.More() {
		var row []any
		if err := lines.Decode(&row); err != nil {
			return nil, err
		}
		for i, value := range row {
			if number, ok := value.(float64); ok {
				row[i] = int64(number)
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// write writes rows, so many a transaction, with one prepared statement.
func write(db *sql.DB, insert string, rows [][]any, batch int) (time.Duration, error) {
	statement, err := db.Prepare(insert)
	if err != nil {
		return 0, err
	}
	defer func() { _ = statement.Close() }() // the database is closed with it
	began := time.Now()
	for len(rows) > 0 {
		n := min(batch, len(rows))
		tx, err := db.Begin()
		if err != nil {
			return 0, err
		}
		in := tx.Stmt(statement)
		for _, row := range rows[:n] {
			if _, err := in.Exec(row...); err != nil {
				return 0, errors.Join(err, tx.Rollback())
			}
		}
		if err := tx.Commit(); err != nil {
			return 0, err
		}
		rows = rows[n:]
	}
	return time.Since(began), nil
}
