"""Words and pictures for people: terminal, HTML, Markdown."""
