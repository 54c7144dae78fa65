-- finds: range-missing | range zoo.span
DROP TYPE zoo.span;
