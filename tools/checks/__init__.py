"""One module a subject; each has ``problems(root)``: a sentence for everything that is wrong, none when all is well."""
