"""The screens of the page: scripts that Streamlit runs from top to bottom, never imported."""
