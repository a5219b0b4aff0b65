// name: similar-cell-lines
// topic: A cell line
// about: The cell lines most similar to a cell line, with the run's attention to each.
// param cell_line: cell_line, name, alias or id
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: cell_line string, name string, tissue string, kernel string, similarity float, attention_rank integer, excess float
MATCH (c:CellLine {id: $cell_line})-[s:SIMILAR_TO]-(o:CellLine)
OPTIONAL MATCH (c)-[a:ATTENDS]->(o)
WHERE a.run_id = $run
RETURN DISTINCT o.id AS cell_line, o.name AS name, o.tissue AS tissue, s.kernel AS kernel, s.similarity AS similarity,
       a.rank AS attention_rank, a.excess AS excess
ORDER BY similarity DESC, cell_line, kernel
LIMIT $limit
