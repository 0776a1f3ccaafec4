"""What the page is drawn with: components, and the shaping of answers into what they draw."""
