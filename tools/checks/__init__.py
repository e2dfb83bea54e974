"""One module per subject. Its ``problems(root)`` gives one sentence per problem, or an empty list."""
