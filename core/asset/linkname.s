// The compiler accepts functions without a body, such as encodeWasm, only beside an assembly file.
