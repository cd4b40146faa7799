package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/seed-98789ff7/converter/runs"
	"github.com/seed-98789ff7/converter/runs/archive"
)

func (a *app) backupCommand() *cobra.Command {
	var output, kind string
	c := &cobra.Command{
		Use:   "backup --output FILE.zip",
		Short: "Write all that is remembered to one file, also while a run is at work",
		Long: `Backup writes the database, pictures and large bodies to one zip file, with the SHA-256 of each in its manifest.json. A run
may be at work meanwhile. The file appears when it is whole; nothing is written over.

Exit codes: 0 it is there, 1 it could not be made, 2 the usage is wrong, 130 and 143 stopped by a signal.`,
		Args: cobra.NoArgs,
	}
	k := a.keep(c)
	c.Flags().StringVarP(&output, "output", "o", "", "file to write, ending in .zip")
	c.Flags().StringVar(&kind, "type", string(archive.Full), "full, or database: without pictures and bodies")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if !strings.HasSuffix(output, ".zip") {
			return usage("name the file to write, ending in .zip: --output FILE.zip")
		}
		if t := archive.Type(kind); t != archive.Full && t != archive.Database {
			return usage("--type is %q, and has to be full or database", kind)
		}
		if _, err := os.Lstat(output); err == nil {
			return usage("%s is there already; give another name, nothing is written over", output)
		}
		return k.do(c, func(ctx context.Context, config runs.Config) error {
			if err := k.there(config); err != nil {
				return err
			}
			return k.backup(ctx, config, output, archive.Type(kind))
		})
	}
	return c
}

func (k *keeper) backup(ctx context.Context, config runs.Config, output string, t archive.Type) error {
	began := time.Now()
	done, err := runs.Backup(ctx, config, runs.BackupConfig{
		Output: output, Type: t, Program: version, Progress: k.progress(),
	})
	if err != nil {
		return err
	}
	k.screen.draw("")
	if done.Guest {
		fmt.Fprintln(k.screen, "a run was at work: what it has stored until the copy of the database is in it")
	}
	if done.Unproved != "" {
		fmt.Fprintln(k.screen, "! the copy of the database was not tried out:", plain(done.Unproved))
	}
	fmt.Fprintf(k.app.stdout, "%s  %s · %s backup of %s, %s · %s\n", short([]string{done.Path})[0], sized(done.Bytes), t,
		counted(int64(len(done.Manifest.Files)), "file"), sized(done.Manifest.Bytes()), took(time.Since(began)))
	return nil
}

func (a *app) restoreCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "restore FILE.zip",
		Short: "Put what a backup holds in the place of what is remembered, all of it or nothing",
		Long: `Restore looks through a backup, backs up what is there now, and puts the content of the backup in its place. When it is
killed, what is there is the old or the new: the next command ends what was begun. No run may be at work. A backup of the
type database leaves pictures as they are.

Exit codes: 0 restored, 1 not restored and nothing was changed, 2 the usage is wrong, 130 and 143 stopped by a signal.`,
		Args: cobra.ExactArgs(1),
	}
	k := a.keep(c)
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	c.RunE = func(c *cobra.Command, args []string) error {
		return k.do(c, func(ctx context.Context, config runs.Config) error { return k.restore(ctx, config, args[0], yes) })
	}
	return c
}

func (k *keeper) restore(ctx context.Context, config runs.Config, file string, yes bool) error {
	if len(config.URLs) > 0 {
		return usage("%s", clusterRestore(config, file))
	}
	if err := k.ask(config, file, yes); err != nil {
		return err
	}
	began := time.Now()
	done, err := runs.Restore(ctx, config, runs.RestoreConfig{File: file, Program: version, Progress: k.progress()})
	if err != nil {
		return err
	}
	k.screen.draw("")
	switch {
	case done.Before != "":
		fmt.Fprintln(k.screen, "what was there before is in", short([]string{done.Before})[0])
	case done.Aside != "":
		fmt.Fprintf(k.screen, "! what was there before could not be read (%s), and lies as it was in %s\n",
			plain(firstLine(done.Unread.Error())), short([]string{done.Aside})[0])
	}
	fmt.Fprintf(k.app.stdout, "restored  %s backup of %s · %s, %s · %s · %s\n", done.Manifest.Type, done.Manifest.Made,
		counted(int64(len(done.Manifest.Files)), "file"), sized(done.Manifest.Bytes()), took(time.Since(began)), config.Dir)
	return nil
}

// ask has somebody say yes who knows what is going to be replaced, where there is anything.
func (k *keeper) ask(config runs.Config, file string, yes bool) error {
	a, err := archive.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return usage("there is no file %s", file)
	}
	if err != nil {
		return err
	}
	m := a.Manifest()
	if err := a.Close(); err != nil {
		return err
	}
	if yes || !runs.Exists(config) {
		return nil
	}
	stdin, ok := k.app.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(stdin.Fd())) {
		return usage("what is remembered in %s would be replaced, after a backup of it: say --yes if that is wanted", config.Dir)
	}
	fmt.Fprintf(k.screen, "%s is a %s backup of %s, with %s.\nIt takes the place of what is remembered in %s, which is backed up before. Go on? [y/N] ",
		filepath.Base(file), m.Type, m.Made, counted(int64(len(m.Files)), "file"), config.Dir)
	answer, err := bufio.NewReader(stdin).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); err != nil || answer != "y" && answer != "yes" {
		return usage("nothing was restored")
	}
	return nil
}

// clusterRestore says how a cluster is restored, which this program does not do: it goes through the log of all nodes.
func clusterRestore(config runs.Config, file string) string {
	return fmt.Sprintf(`the store is a cluster, which is restored on one of its nodes, while no run is at work:

  converter backup --output before.zip
  unzip -p %[1]s database.sqlite | curl -u USER --data-binary @- -H 'Content-Type: application/octet-stream' %[2]s/db/load
  unzip -n %[1]s 'blobs/*' -d %[3]s

The second line replaces the database of all nodes, the third adds the pictures of a full backup to this machine's`,
		file, config.URLs[0], config.Dir)
}
