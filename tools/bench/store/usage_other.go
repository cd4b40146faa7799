//go:build !unix

package main

func usage() (u used) { return u }
