// Package archive is the one file that a backup is, and the way in which what was unpacked takes the place of what is
// there.
//
// It owns the layout of the zip file, its manifest, the rule that nothing is unpacked which the manifest does not name
// with its size and SHA-256, and [Exchange], which replaces folders all or not at all, however it is interrupted. It
// leaves to its callers what the files are, that nobody else is at work in the folder, and whether the disk has room.
// It starts no goroutine.
//
// Errors: [FileError] says that a file is no backup, or not a whole one; others are those of the file system.
//
// Memory: some 300 bytes for each file in a backup; the files themselves are never held.
package archive
