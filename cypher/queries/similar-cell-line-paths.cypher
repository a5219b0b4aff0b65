// name: similar-cell-line-paths
// topic: A drug on a cell line
// about: Paths from a drug to a cell line through similar cell lines on which the drug was tested and to which the cell line attends.
// param drug: drug, name, alias or id
// param cell_line: cell_line, name, alias or id
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: cell_line string, name string, rank integer, weight float, response integer, ln_ic50 float
MATCH (c:CellLine {id: $cell_line})-[a:ATTENDS]->(o:CellLine)<-[t:TESTED_ON]-(d:Drug {id: $drug})
WHERE a.run_id = $run
RETURN o.id AS cell_line, o.name AS name, a.rank AS rank, a.weight AS weight, max(t.response) AS response,
       avg(t.ln_ic50) AS ln_ic50
ORDER BY rank, cell_line
LIMIT $limit
