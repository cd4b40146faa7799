package rqlite

import (
	"bytes"
	"context"
	bits "encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
)

// ErrNoDatabase says that bytes are not a whole SQLite database.
var ErrNoDatabase = errors.New("not a whole SQLite database")

// Backup writes the database as it is at one moment to w, as one SQLite file, and returns how large it is. Others write
// on meanwhile, and wait a tenth of a second or so at worst. It is held nowhere as a whole.
//
// When it fails, w may have got a part.
func (c *Client) Backup(ctx context.Context, w io.Writer) (int64, error) {
	var failures []error
	for _, url := range c.config.Endpoints() {
		n, err := c.backup(ctx, url, w)
		if err == nil {
			return n, nil
		}
		failures = append(failures, fmt.Errorf("from %s: %w", url, err))
		if n > 0 || ctx.Err() != nil || errors.Is(err, ErrUnauthorized) {
			break
		}
	}
	if len(failures) == 0 {
		failures = append(failures, fmt.Errorf("%w: %w", ErrUnavailable, errors.Join(errNoNode, c.config.Down())))
	}
	return 0, fmt.Errorf("copy the database: %w", errors.Join(failures...))
}

func (c *Client) backup(ctx context.Context, url string, w io.Writer) (int64, error) {
	response, err := c.send(ctx, http.MethodGet, url+"/db/backup?fmt=delete", http.NoBody) // one file, without a WAL
	if err != nil {
		return 0, err
	}
	var head fileHead
	n, err := io.Copy(io.MultiWriter(&head, w), response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return n, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return n, head.check(n)
}

// Boot replaces all that a single node has by a SQLite file. It is for a node that nobody else uses yet. A file that is
// none, or not whole, is [ErrNoDatabase].
func (c *Client) Boot(ctx context.Context, path string) error {
	endpoints := c.config.Endpoints()
	if len(endpoints) != 1 {
		return fmt.Errorf("fill the database: %w: %d nodes, and one alone is possible", ErrRejected, len(endpoints))
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("fill the database: %w", err)
	}
	err = c.boot(ctx, endpoints[0], file)
	if err := file.Close(); err != nil && !errors.Is(err, os.ErrClosed) { // who sends it may have closed it
		return fmt.Errorf("fill the database: %w", err)
	}
	if err != nil {
		return fmt.Errorf("fill the database: %w", err)
	}
	return nil
}

func (c *Client) boot(ctx context.Context, url string, file *os.File) error {
	var head fileHead
	if _, err := io.CopyN(&head, file, int64(len(head.bytes))); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if err := head.check(size); err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	response, err := c.send(ctx, http.MethodPost, url+"/boot", file)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// send makes one request that is no statement. An answer other than OK is an error.
func (c *Client) send(ctx context.Context, method, url string, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/octet-stream")
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, headSize))
	err = errors.Join(err, response.Body.Close())
	switch response.StatusCode {
	case http.StatusUnauthorized:
		return nil, ErrUnauthorized
	case http.StatusBadRequest:
		return nil, fmt.Errorf("%w: HTTP %d: %s", ErrRejected, response.StatusCode, bytes.TrimSpace(text))
	default:
		return nil, errors.Join(fmt.Errorf("%w: HTTP %d: %s", ErrUnavailable, response.StatusCode, bytes.TrimSpace(text)), err)
	}
}

const sqliteMark = "SQLite format 3\x00"

// fileHead keeps the header of a SQLite file that is written through it.
type fileHead struct {
	bytes [100]byte
	n     int
}

// Write implements [io.Writer].
func (h *fileHead) Write(p []byte) (int, error) {
	h.n += copy(h.bytes[h.n:], p)
	return len(p), nil
}

// check compares the size of the file with what its header says: an answer that was cut off may look complete.
func (h *fileHead) check(size int64) error {
	if h.n < len(h.bytes) || string(h.bytes[:len(sqliteMark)]) != sqliteMark {
		return fmt.Errorf("%w: it does not begin like one", ErrNoDatabase)
	}
	page := int64(bits.BigEndian.Uint16(h.bytes[16:]))
	if page == 1 {
		page = 1 << 16
	}
	if want := page * int64(bits.BigEndian.Uint32(h.bytes[28:])); want != size {
		return fmt.Errorf("%w: it has %d bytes of %d", ErrNoDatabase, size, want)
	}
	return nil
}
