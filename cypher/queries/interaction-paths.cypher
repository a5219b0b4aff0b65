// name: interaction-paths
// topic: A drug on a cell line
// about: Paths from a drug to a cell line through two interacting genes: the drug attends to one as a target, the cell line to the other.
// param drug: drug, name, alias or id
// param cell_line: cell_line, name, alias or id
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: gene string, interacts_with string, of_drug float, of_cell_line float, known boolean
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(g:Gene)-[:INTERACTS_WITH]-(o:Gene)<-[b:ATTENDS]-(c:CellLine {id: $cell_line})
WHERE a.run_id = $run AND b.run_id = $run AND a.objective = 'target'
WITH d, g, o, a.weight AS of_drug, max(b.weight) AS of_cell_line
RETURN g.id AS gene, o.id AS interacts_with, of_drug, of_cell_line,
       EXISTS { MATCH (d)-[:TARGETS]->(g) } AS known
ORDER BY of_drug * of_cell_line DESC, gene, interacts_with
LIMIT $limit
